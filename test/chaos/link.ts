import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProxy, type Proxy } from '../support/proxy';

/** A COMMIT as a driver sends it: a simple query. */
const COMMIT = Buffer.from('COMMIT\0');

/** A network between two of our processes, with the faults of one. It behaves until it is told otherwise. */
export class Link {
  private latencyMs = 0;
  private bytesPerMs = Infinity;
  private commitDelayMs = 0;
  private silent: Promise<void> | undefined;
  private speak: () => void = () => undefined;
  private onCommit: (() => void) | undefined;

  private proxy!: Proxy;

  private constructor() {}

  static async to(target: string | number): Promise<Link> {
    const link = new Link();
    link.proxy = await startProxy(target, { through: (direction) => link.passage(direction) });
    return link;
  }

  /** The same URL, by way of this link. */
  through(url: string): string {
    return this.proxy.through(url);
  }

  retarget(target: string | number): void {
    this.proxy.retarget(target);
  }

  cut(): void {
    this.proxy.cut();
  }

  halfOpen(): void {
    this.proxy.halfOpen();
  }

  /** Nothing passes, on no connection, and nobody is told. */
  silence(): void {
    this.silent ??= new Promise((resolve) => (this.speak = resolve));
  }

  slow(latencyMs: number, bytesPerMs: number): void {
    this.latencyMs = latencyMs;
    this.bytesPerMs = bytesPerMs;
  }

  /** Every COMMIT arrives this much later. */
  delayCommits(ms: number): void {
    this.commitDelayMs = ms;
  }

  /** The next COMMIT arrives, but the connection breaks before the answer. */
  loseNextCommit(): void {
    this.onCommit = () => setTimeout(() => this.cut(), 5);
  }

  heal(): void {
    this.slow(0, Infinity);
    this.delayCommits(0);
    this.onCommit = undefined;
    this.silent = undefined;
    this.speak();
  }

  async close(): Promise<void> {
    this.heal();
    await this.proxy.close();
  }

  private passage(direction: 'there' | 'back'): Transform {
    const pass = async (chunk: Buffer): Promise<Buffer> => {
      if (this.silent !== undefined) await this.silent;
      if (this.latencyMs > 0) await sleep(this.latencyMs + chunk.length / this.bytesPerMs);
      if (direction === 'there' && (this.commitDelayMs > 0 || this.onCommit !== undefined) && chunk.includes(COMMIT)) {
        if (this.commitDelayMs > 0) await sleep(this.commitDelayMs);
        this.onCommit?.();
        this.onCommit = undefined;
      }
      return chunk;
    };
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        pass(chunk).then(
          (passed) => done(null, passed),
          (error: Error) => done(error),
        );
      },
    });
  }
}
