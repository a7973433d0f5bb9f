import type { StandardSchemaV1 } from '@standard-schema/spec';
import { etagOf } from './canonical-json.js';
import { ConfigClient } from './config-client.js';
import type { Config } from './config.js';
import type { UntypedConfig } from './config-path.js';
import { TrimtabError } from './errors.js';
import { Follower } from './follower.js';
import { fencedLogger, silentLogger, type Logger } from './logger.js';
import type { Documents, JsonValue, Report } from './protocol.js';

/** How an in-memory client differs from the plain one. All have the meaning they have for `connect`. */
export interface InMemoryOptions<T> {
  readonly schema?: StandardSchemaV1<unknown, T>;
  readonly document?: string;
  readonly restartOnly?: readonly string[];
  readonly applyTimeoutMs?: number;
  /** Default: silent. */
  readonly logger?: Logger;
  /** Text documents besides the main one, by name. Default: none. */
  readonly texts?: { readonly [name: string]: string };
}

/** What became of something published: `unchanged` when it equals what is in use. */
export type PublishResult =
  | { readonly state: 'applied' | 'unchanged'; readonly revision: number }
  | { readonly state: 'refused'; readonly revision: number; readonly stage: string; readonly reason: string };

/** A config without a server, for unit tests: the same code but for the socket. */
export interface InMemoryConfig<T> extends Config<T> {
  /**
   * Publishes the next main document (and text documents). It takes the way of a real revision: schema, resources, one
   * swap, watchers; resolves when it has been applied or refused.
   *
   * @example
   * const result = await config.publish({ db: { pool: { max: -1 } } });
   * expect(result).toMatchObject({ state: 'refused' });
   * expect(config.get('db.pool.max')).toBe(10);
   */
  publish(next: unknown, texts?: { readonly [name: string]: string }): Promise<PublishResult>;
  /** Loses the connection: the config becomes stale. */
  disconnect(reason?: string): void;
  /** Has the connection back: the config is current again, unless the newest revision was refused. */
  reconnect(): void;
  /** What the server would have been told, oldest first. */
  readonly reports: readonly Report[];
}

/**
 * A client that holds `initial` and needs no server.
 *
 * @throws TrimtabError `not_started` when the schema does not accept `initial`.
 *
 * @example
 * const config = await createInMemoryClient({ db: { pool: { max: 10 } } }, { schema: AppConfig });
 * const service = new OrderService(config);
 * await config.publish({ db: { pool: { max: 20 } } });
 */
export async function createInMemoryClient<T = UntypedConfig>(initial: unknown, options: InMemoryOptions<T> = {}): Promise<InMemoryConfig<T>> {
  const client = new InMemoryClient<T>(options);
  const result = await client.publish(initial, options.texts);
  if (result.state === 'refused') throw new TrimtabError('not_started', `The initial config was refused: ${result.reason}`);
  return client;
}

class InMemoryClient<T> extends ConfigClient<T> implements InMemoryConfig<T> {
  readonly reports: Report[] = [];
  readonly #follower: Follower;
  #revision = 0;
  #texts: { readonly [name: string]: string } = {};

  constructor({ schema, document = 'application', restartOnly = [], applyTimeoutMs = 30_000, logger = silentLogger }: InMemoryOptions<T>) {
    const options = { schema, mainName: document, restartOnly, applyTimeoutMs, logger: fencedLogger(logger) };
    const follower = new Follower({ ...options, instanceId: 'in-memory' });
    super(follower);
    this.#follower = follower;
    follower.attach({ report: (report) => void this.reports.push(report), resubscribe: () => undefined, close: async () => undefined });
    this.reconnect();
  }

  async publish(next: unknown, texts = this.#texts): Promise<PublishResult> {
    this.#texts = texts;
    const value = JSON.parse(JSON.stringify(next)) as JsonValue;
    const contents = Object.entries(texts).map(([name, text]) => [name, { format: 'text', text }] as const);
    const documents: Documents = Object.fromEntries([...contents, [this.#follower.mainName, { format: 'json', value }]]);
    const revision = ++this.#revision;
    const outcome = await this.#follower.offer({ revision, etag: etagOf(documents as JsonValue), source: 'server', layers: [], documents });
    switch (outcome.state) {
      case 'refused':
        return { state: 'refused', revision, stage: outcome.refusal.stage, reason: outcome.refusal.reason };
      case 'superseded':
        throw new TrimtabError('closed', 'The config is closed.');
      default:
        return { state: outcome.state === 'applied' ? 'applied' : 'unchanged', revision };
    }
  }

  disconnect(reason = 'the connection was lost'): void {
    this.#follower.connectionChanged('waiting', reason);
  }

  reconnect(): void {
    this.#follower.connectionChanged('live', 'in memory');
    if (this.ready && this.status().lastRefusal === undefined) this.#follower.receive({ type: 'current', revision: this.#revision });
  }
}
