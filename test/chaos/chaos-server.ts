import { setTimeout as sleep } from 'node:timers/promises';
import { writeFileSync } from 'node:fs';
import { startServerProcess, type ServerProcess } from '../support/server-process';

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

const RETRY_MS = 150;
const EXIT_TIMEOUT_MS = 15_000;

/**
 * A server process that is killed, paused and started again, always on the same port.
 *
 * States: `down` → `starting` → `up` → `ending` → `down`.
 */
export class ChaosServer {
  private state: 'down' | 'starting' | 'up' | 'ending' = 'down';
  private process: ServerProcess | undefined;
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
    return this.written + (this.process === undefined ? '' : this.process.stdout() + this.process.stderr());
  }

  /** Starts it, again and again until it is up: what it needs may be down as well. */
  async start(): Promise<void> {
    if (this.state !== 'down') return;
    this.state = 'starting';
    while (!this.closed) {
      try {
        const { env, command } = this.options;
        this.process = await startServerProcess({ ...env, PORT: this.port }, command);
        this.begun(this.process);
        return;
      } catch (error) {
        this.written += `${String(error)}\n`;
        await sleep(RETRY_MS);
      }
    }
    this.state = 'down';
  }

  /** Ends the process, and waits until it has ended. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { process } = this;
    if (process === undefined || this.state !== 'up') return;
    this.state = 'ending';
    const late = setTimeout(() => void process.kill('SIGKILL'), EXIT_TIMEOUT_MS);
    await process.kill(signal);
    clearTimeout(late);
    this.written += process.stdout() + process.stderr();
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
    while (this.state === 'starting' || this.state === 'ending') await sleep(RETRY_MS);
    await this.end('SIGKILL');
  }

  private begun(process: ServerProcess): void {
    this.port = new URL(process.url).port;
    this.firstToken ??= process.token;
    this.lives += 1;
    const { life } = this;
    this.state = 'up';
    void process.exited.then(({ code, signal, stderr, stdout }) => {
      if (this.state === 'ending' || this.process !== process) return;
      this.written += stdout + stderr;
      this.process = undefined;
      this.state = 'down';
      this.options.onUnexpectedExit(`${life} ended by itself with ${signal ?? code}: ${(stderr || stdout).slice(-2_000)}`);
    });
  }

  private signal(signal: NodeJS.Signals): void {
    if (this.state !== 'up' || this.process === undefined) return;
    process.kill(this.process.pid, signal);
  }
}
