import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import type { ClientEvent } from '../support/feed-checker';
import { observeByPolling, observeEvents, observeWithClient, type Observer } from '../support/observers';
import { partsOf } from './catalog';
import type { DiskFolder } from './disk-folder';
import type { Link } from './link';
import type { PlannedClient } from './plan';

/** A client of the run: what it is, its network, its key, and what it has seen. */
export interface ChaosClient {
  readonly plan: PlannedClient;
  readonly link: Link;
  /** By name of what has seen it: each start of a client process is a client of its own. */
  readonly events: readonly ClientEvent[];
  /** The name under which it sees things now. */
  readonly life: string;
  key: string;
  start(url: string): Promise<void>;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;

/** A client inside this process. */
export class InnerClient implements ChaosClient {
  private observer: Observer | undefined;

  constructor(
    readonly plan: PlannedClient,
    readonly link: Link,
    public key: string,
  ) {}

  get events(): readonly ClientEvent[] {
    return this.observer?.events ?? [];
  }

  get life(): string {
    return this.plan.name;
  }

  async start(url: string): Promise<void> {
    const { name, kind, target } = this.plan;
    const observed = { ...partsOf(target), url: this.link.through(url), key: () => this.key };
    if (kind === 'library') this.observer = await eventually(() => observeWithClient(name, observed), { timeoutMs: START_TIMEOUT_MS });
    else this.observer = kind === 'events' ? observeEvents(name, observed) : observeByPolling(name, observed);
  }

  async stop(): Promise<void> {
    await this.observer?.stop();
  }
}

const SCRIPT = path.resolve(__dirname, 'client-process.mjs');

/** A client in a process of its own, with a copy of what it has applied on a disk that may be full. */
export class ProcessClient implements ChaosClient {
  readonly events: ClientEvent[] = [];
  private child: ChildProcess | undefined;
  private ended: Promise<void> = Promise.resolve();
  private lives = 0;
  private closed = false;
  private url = '';

  constructor(
    readonly plan: PlannedClient,
    readonly link: Link,
    private readonly disk: DiskFolder,
    private secret: string,
  ) {
    this.key = secret;
  }

  get key(): string {
    return this.secret;
  }

  set key(secret: string) {
    this.secret = secret;
    writeFileSync(this.keyFile, secret, { mode: 0o600 });
  }

  get life(): string {
    return `${this.plan.name}/${this.lives}`;
  }

  async start(url: string): Promise<void> {
    this.url = url;
    this.launch();
    while (this.events.length === 0) await sleep(20);
  }

  /** Kills it; `restart` starts it again, with what its disk holds. */
  async kill(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.ended;
  }

  restart(): void {
    if (!this.closed && this.child === undefined) this.launch();
  }

  pause(): void {
    this.child?.kill('SIGSTOP');
  }

  resume(): void {
    this.child?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    this.closed = true;
    await this.kill();
  }

  private get keyFile(): string {
    return path.join(this.disk.outside, `${this.plan.name}.key`);
  }

  private launch(): void {
    this.lives += 1;
    const { life } = this;
    const options = {
      ...partsOf(this.plan.target),
      url: this.link.through(this.url),
      keyFile: this.keyFile,
      instanceId: this.plan.name,
      diskSnapshot: path.join(this.disk.inside, `${this.plan.name}.json`),
      // The first time there is no copy to start from; later the copy shall be used now and then.
      startTimeoutMs: this.lives === 1 ? 10_000 : 150,
      reconnect: { baseMs: 20, capMs: 500 },
      pollIntervalMs: 1_000,
      answerTimeoutMs: 1_000,
      rejectedRetryMs: 500,
    };
    const [program = process.execPath, ...args] = [...this.disk.command, process.execPath, SCRIPT];
    const child = spawn(program, args, {
      env: { PATH: process.env.PATH, HOME: this.disk.outside, TRIMTAB_CHAOS_CLIENT: JSON.stringify(options) },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.child = child;
    child.stdin.on('error', () => undefined);
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) this.note(life, line);
    });
    this.ended = new Promise((resolve) => {
      child.once('close', () => {
        if (this.child === child) this.child = undefined;
        resolve();
        // Without a server and without a copy it cannot start: whoever runs services starts them again.
        if (!this.closed && child.exitCode !== null) setTimeout(() => this.restart(), 200);
      });
    });
  }

  private note(client: string, line: string): void {
    const { monotonicMs, ...event } = JSON.parse(line) as { monotonicMs: number };
    const at = performance.now() + (monotonicMs - Number(process.hrtime.bigint()) / 1e6);
    this.events.push({ client, at, ...event } as ClientEvent);
  }
}
