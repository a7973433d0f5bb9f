import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Config, type ConnectOptions, type Logger, type UntypedConfig } from '../src/index.js';
import { FakeServer } from './fake-server.js';

/** What was logged, as `level: message`. */
export class RecordingLogger implements Logger {
  readonly lines: string[] = [];
  debug = (message: string) => void this.lines.push(`debug: ${message}`);
  info = (message: string) => void this.lines.push(`info: ${message}`);
  warn = (message: string) => void this.lines.push(`warn: ${message}`);
  error = (message: string) => void this.lines.push(`error: ${message}`);

  matching(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line));
  }
}

/** One spec file's world: whatever it opens here is closed at its end. */
export class World {
  readonly logger = new RecordingLogger();
  readonly #closers: (() => Promise<unknown>)[] = [];

  /** Has something closed at the end, last opened first closed. */
  own<T extends { close(): Promise<unknown> }>(thing: T): T {
    this.#closers.unshift(() => thing.close());
    return thing;
  }

  async server(port?: number): Promise<FakeServer> {
    return this.own(await FakeServer.start(port));
  }

  async folder(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'trimtab-client-'));
    this.#closers.push(() => rm(path, { recursive: true, force: true }));
    return path;
  }

  /** Connects with quick timers and no copy on disk, unless the spec says otherwise. */
  async connect<T = UntypedConfig>(url: string, options: Partial<ConnectOptions<T>> = {}): Promise<Config<T>> {
    const config = await connect<T>({
      url,
      key: 'ttk_test',
      service: 'orders',
      environment: 'production',
      diskSnapshot: false,
      logger: this.logger,
      reconnect: { baseMs: 20, capMs: 100 },
      ...options,
    });
    return this.own(config);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close();
  }
}
