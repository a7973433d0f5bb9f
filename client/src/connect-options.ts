import { createHash, randomUUID } from 'node:crypto';
import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ConnectionTimes } from './connection.js';
import { TrimtabError } from './errors.js';
import { consoleLogger, fencedLogger, type Logger } from './logger.js';
import type { InstanceInfo, JsonValue } from './protocol.js';
import { LIBRARY } from './version.js';

/** What `connect` needs to know. Only the first four have no default. */
export interface ConnectOptions<T> {
  /** Where the server is: `https://config.example.com`, with a path when a proxy puts it below one. */
  readonly url: string;
  /**
   * A client key of this service and environment. A function is asked at every attempt to connect, so that a key can be
   * replaced while the service runs; what it throws counts as a failed attempt.
   */
  readonly key: string | (() => string | Promise<string>);
  /** The service whose config this is. */
  readonly service: string;
  /** The environment it runs in. */
  readonly environment: string;
  /**
   * What every revision of the main document must satisfy, and what is then made of it: any Standard Schema (zod,
   * valibot, arktype, …), synchronous or not. A revision it does not accept is refused. Default: anything goes.
   */
  readonly schema?: StandardSchemaV1<unknown, T>;
  /** Name of the main document. Default: `application`. */
  readonly document?: string;
  /** How long to wait for the server before starting from another source. Default: 5000. */
  readonly startTimeoutMs?: number;
  /**
   * Path of the copy on disk, or `false` for none. Default: `~/.cache/trimtab/<service>@<environment>-<hash of the
   * url>.json`. When it cannot be written that is logged and shown in the status, nothing else. A copy that is damaged,
   * of another service or environment, or that other users could have written is not started from.
   */
  readonly diskSnapshot?: string | false;
  /**
   * Key to encrypt the copy on disk with: 32 bytes, or their base64. Default: the environment variable
   * `TRIMTAB_DISK_KEY`, else none. Without a key a config that holds secrets is not kept on disk; with one, every copy is
   * encrypted, and one that was encrypted with another key is not started from.
   *
   * @example
   * // openssl rand -base64 32
   * await connect({ ...options, diskKey: await secretStore.read('orders/disk-key') });
   */
  readonly diskKey?: string | Uint8Array;
  /**
   * A JSON file that holds the main document, started from when there is neither a server nor a copy on disk; shipped
   * with the service, for example. Default: none.
   */
  readonly bootstrapFile?: string;
  /**
   * The main document to start from when there is nothing else; it goes through the schema. Default: the empty object
   * when there is a schema (whose defaults then decide), else none.
   */
  readonly defaults?: JsonValue;
  /**
   * Paths that only a restart can change (the port listened on, …). The value seen stays the one the process started
   * with; a revision that changes it is applied otherwise, and the path is listed in `status().restartRequired`.
   * Default: none.
   */
  readonly restartOnly?: readonly string[];
  /** Shown to the operator in the list of instances. Default: none. */
  readonly labels?: { readonly [name: string]: string };
  /** Must be unique among running processes. Default: a random UUID. */
  readonly instanceId?: string;
  /** Default: warnings and errors to the console. */
  readonly logger?: Logger;
  /** How long an asynchronous schema, or preparing all resources, may take before a revision is refused. Default: 30000. */
  readonly applyTimeoutMs?: number;
  /**
   * How often a live client asks whether it is current, although it would have been told; ± 25 %. Default: 30000.
   */
  readonly pollIntervalMs?: number;
  /** How long connecting, or an answer of the server, may take before the connection counts as dead. Default: 10000. */
  readonly answerTimeoutMs?: number;
  /**
   * Delay before connecting again: a random part of `baseMs`, doubled with each failure, up to `capMs`. Default: 1000
   * and 30000.
   */
  readonly reconnect?: { readonly baseMs?: number; readonly capMs?: number };
  /** Longest delay after the server has rejected this client (the shortest is half of it). Default: 60000. */
  readonly rejectedRetryMs?: number;
}

/** The options with their defaults, checked. */
export interface ConnectSettings {
  readonly url: URL;
  readonly key: () => string | Promise<string>;
  readonly target: { readonly service: string; readonly environment: string };
  readonly schema: StandardSchemaV1 | undefined;
  readonly mainName: string;
  readonly startTimeoutMs: number;
  readonly diskPath: string | undefined;
  readonly diskKey: Uint8Array | undefined;
  readonly bootstrapFile: string | undefined;
  readonly defaults: JsonValue | undefined;
  readonly restartOnly: readonly string[];
  readonly instance: InstanceInfo;
  readonly logger: Logger;
  readonly applyTimeoutMs: number;
  readonly times: ConnectionTimes;
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Fills in the defaults and throws `invalid_options`, naming every option that cannot be right. */
export function settingsOf<T>(options: ConnectOptions<T>): ConnectSettings {
  const faults: string[] = [];
  const url = parseUrl(options.url, faults);
  const { key, service, environment } = options;
  if (typeof key !== 'function' && (typeof key !== 'string' || key === '')) faults.push('key: a client key is needed');
  if (!LABEL.test(service)) faults.push('service: a name like orders-api is needed');
  if (!LABEL.test(environment)) faults.push('environment: a name like production is needed');
  const milliseconds = (name: string, value: number | undefined, byDefault: number) => {
    if (value !== undefined && !(Number.isFinite(value) && value >= 0)) faults.push(`${name}: a number of milliseconds is needed`);
    return value ?? byDefault;
  };
  const settings: ConnectSettings = {
    url,
    key: typeof key === 'function' ? key : () => key,
    target: { service, environment },
    schema: options.schema,
    mainName: options.document ?? 'application',
    startTimeoutMs: milliseconds('startTimeoutMs', options.startTimeoutMs, 5_000),
    diskPath: diskPathOf(options, url),
    diskKey: diskKeyOf(options.diskKey ?? process.env['TRIMTAB_DISK_KEY'], faults),
    bootstrapFile: options.bootstrapFile,
    defaults: options.defaults ?? (options.schema === undefined ? undefined : {}),
    restartOnly: options.restartOnly ?? [],
    instance: {
      id: options.instanceId ?? randomUUID(),
      host: hostname(),
      library: LIBRARY,
      ...(options.labels && { labels: options.labels }),
    },
    logger: fencedLogger(options.logger ?? consoleLogger),
    applyTimeoutMs: milliseconds('applyTimeoutMs', options.applyTimeoutMs, 30_000),
    times: {
      reconnectBaseMs: milliseconds('reconnect.baseMs', options.reconnect?.baseMs, 1_000),
      reconnectCapMs: milliseconds('reconnect.capMs', options.reconnect?.capMs, 30_000),
      rejectedRetryMs: milliseconds('rejectedRetryMs', options.rejectedRetryMs, 60_000),
      pollIntervalMs: milliseconds('pollIntervalMs', options.pollIntervalMs, 30_000),
      answerTimeoutMs: milliseconds('answerTimeoutMs', options.answerTimeoutMs, 10_000),
    },
  };
  if (faults.length > 0) throw new TrimtabError('invalid_options', `The options of connect() are not valid: ${faults.join('; ')}.`);
  return settings;
}

function parseUrl(text: string, faults: string[]): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^(https?|wss?):$/.test(url.protocol)) return url;
  faults.push('url: an http or https URL is needed');
  return new URL('http://invalid');
}

function diskKeyOf(key: string | Uint8Array | undefined, faults: string[]): Uint8Array | undefined {
  if (key === undefined) return undefined;
  const bytes = typeof key === 'string' ? Buffer.from(key, 'base64') : key;
  if (bytes.length !== 32) faults.push('diskKey: 32 bytes are needed, or their base64 (openssl rand -base64 32)');
  return bytes;
}

function diskPathOf<T>({ diskSnapshot, service, environment }: ConnectOptions<T>, url: URL): string | undefined {
  if (diskSnapshot === false) return undefined;
  if (diskSnapshot !== undefined) return resolve(diskSnapshot);
  // Two installations may both have orders@production, and one user may run clients of both.
  const where = createHash('sha256').update(url.href).digest('hex').slice(0, 8);
  return join(homedir(), '.cache', 'trimtab', `${service}@${environment}-${where}.json`);
}
