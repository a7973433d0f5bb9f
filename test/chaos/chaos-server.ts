import { setTimeout as sleep } from 'node:timers/promises';
import { writeFileSync } from 'node:fs';
import { type Launched, launchServerProcess } from '../support/server-process';

export interface ServerOptions {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** What runs the server, when it is not `node dist/main.js`. */
  readonly command?: readonly string[];
  /** The file libfaketime reads the shift of the clock from. */
  readonly clockFile?: string;
  /** Told when the process ends although nobody has ended it. */
  readonly onUnexpectedExit: (detail: string) => void;
}

const RETRY_MS = 100;
const LOOK_MS = 20;
const EXIT_TIMEOUT_MS = 15_000;
const LISTENS_AT = /(?:API|Configs)\s+http:\/\/[^/\s]+:(\d+)\/[\s\S]*\n\s+(?:Database|NATS)\s/;

/**
 * A server process that is killed, paused and started again, always on the same port.
 *
 * States: `down` → `starting` → `up` → `ending` → `down`.
 */
export class ChaosServer {
  private state: 'down' | 'starting' | 'up' | 'ending' = 'down';
  private process: Launched | undefined;
  private port = '0';
  private lives = 0;
  private closed = false;
  private written = '';
  private firstToken: string | undefined;

  constructor(private readonly options: ServerOptions) {}

  get name(): string {
    return this.options.name;
  }

  /** The process that runs now, by a name that no other process has had. */
  get life(): string {
    return `${this.options.name}/${this.lives}`;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get up(): boolean {
    return this.state === 'up';
  }

  /** The administrator token that it printed, when it was the first to start. */
  get token(): string | undefined {
    return this.firstToken;
  }

  /** What all its processes have written. */
  get output(): string {
    return this.written + (this.process === undefined ? '' : writtenBy(this.process));
  }

  /** Starts it, again and again until it is up: what it needs may be down as well. */
  async start(): Promise<void> {
    if (this.state !== 'down') return;
    this.state = 'starting';
    while (!this.closed) {
      const { env, command } = this.options;
      const process = await launchServerProcess({ ...env, PORT: this.port }, command);
      this.process = process;
      const port = await announced(process);
      if (port !== undefined) return this.begun(process, port);
      this.written += writtenBy(process);
      this.process = undefined;
      await sleep(RETRY_MS);
    }
    this.state = 'down';
  }

  /** Ends the process, and waits until it has ended. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { process } = this;
    if (process === undefined || this.state !== 'up') return;
    this.state = 'ending';
    process.child.kill(signal);
    const late = setTimeout(() => process.child.kill('SIGKILL'), EXIT_TIMEOUT_MS);
    await process.exited;
    clearTimeout(late);
    this.written += writtenBy(process);
    this.process = undefined;
    this.state = 'down';
  }

  pause(): void {
    this.signal('SIGSTOP');
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  /** What the process believes the time to be, from now on: this many seconds off. */
  shiftClock(seconds: number): void {
    if (this.options.clockFile !== undefined) writeFileSync(this.options.clockFile, `${seconds < 0 ? '' : '+'}${seconds}`);
  }

  /** Ends it for good, whatever state it is in. */
  async close(): Promise<void> {
    this.closed = true;
    while (this.state !== 'down') {
      this.process?.child.kill('SIGKILL');
      await this.end('SIGKILL');
      await sleep(LOOK_MS);
    }
  }

  private begun(process: Launched, port: string): void {
    this.port = port;
    this.firstToken ??= /tta_\S+/.exec(process.output.stdout)?.[0];
    this.lives += 1;
    const { life } = this;
    this.state = 'up';
    void process.exited.then(({ code, signal, stderr, stdout }) => {
      if (this.state === 'ending' || this.closed || this.process !== process) return;
      this.written += stdout + stderr;
      this.process = undefined;
      this.state = 'down';
      this.options.onUnexpectedExit(`${life} ended by itself with ${signal ?? code}: ${(stderr || stdout).slice(-2_000)}`);
    });
  }

  private signal(signal: NodeJS.Signals): void {
    if (this.state === 'up') this.process?.child.kill(signal);
  }
}

/** The port that it says it listens at; undefined when it ends before. */
async function announced({ child, output }: Launched): Promise<string | undefined> {
  for (;;) {
    const port = LISTENS_AT.exec(output.stdout)?.[1];
    if (port !== undefined || child.exitCode !== null || child.signalCode !== null) return port;
    await sleep(LOOK_MS);
  }
}

function writtenBy({ output }: Launched): string {
  return output.stdout + output.stderr;
}
