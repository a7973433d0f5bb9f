import { Logger } from '@nestjs/common';
import { connect, credsAuthenticator, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { DomainError } from '../kernel/domain-error';
import type { Settings } from '../settings/settings';
import { parseServers } from './servers';

const CONNECT_TIMEOUT_MS = 2_000;
const RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;
/** Two of these without an answer, and the connection is given up: it may be half open. */
const PING_INTERVAL_MS = 2_000;

export type LinkSettings = Settings['nats'];

/**
 * The one connection of this process to NATS, tried for ever: a process starts without NATS, and goes on without it.
 *
 * States: `connecting` (the first time) → `up` ⇄ `down`; any → `closed`, which is final.
 */
export class NatsLink {
  private readonly logger = new Logger(NatsLink.name);
  private readonly closing = new AbortController();
  private readonly listeners = new Set<() => void>();
  private readonly first: Promise<NatsConnection | undefined>;
  private connection: NatsConnection | undefined;
  private state: 'connecting' | 'up' | 'down' | 'closed' = 'connecting';
  private downSince: number | undefined = performance.now();

  constructor(
    private readonly settings: LinkSettings,
    private readonly name: string,
  ) {
    this.first = this.open();
  }

  get connected(): boolean {
    return this.state === 'up';
  }

  /** How long there has been no connection, by a clock that nobody sets; 0 while there is one. */
  get downForMs(): number {
    return this.downSince === undefined ? 0 : performance.now() - this.downSince;
  }

  /** Aborted when the process lets go of NATS. */
  get closed(): AbortSignal {
    return this.closing.signal;
  }

  /** Waits for the first connection; later it may be down, and what is asked through it then fails. */
  async use(): Promise<NatsConnection> {
    const connection = await this.first;
    if (connection === undefined) throw new DomainError('unavailable', 'This process is going away.');
    return connection;
  }

  /**
   * What `work` gives, or a failure as soon as there is no connection: what is asked then would be kept, sent long after
   * nobody waits for it any more, and not answered before.
   */
  async whileUp<T>(work: () => Promise<T>): Promise<T> {
    if (!this.connected) throw lostConnection();
    let stop: () => void = () => undefined;
    const lost = new Promise<never>((_, reject) => {
      stop = this.onChange(() => {
        if (!this.connected) reject(lostConnection());
      });
    });
    try {
      return await Promise.race([work(), lost]);
    } finally {
      stop();
    }
  }

  /** Resolves when there is a connection, or `signal` is aborted. */
  async up(signal: AbortSignal): Promise<void> {
    if (this.connected || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stop();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const stop = this.onChange(() => this.connected && done());
      signal.addEventListener('abort', done, { once: true });
    });
  }

  /** Tells whenever the connection is lost or there again. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.enter('closed');
    this.closing.abort();
    await (await this.first)?.close();
  }

  private async open(): Promise<NatsConnection | undefined> {
    for (let attempt = 0; !this.closing.signal.aborted; attempt += 1) {
      try {
        this.connection = await connect(await this.options());
        if (this.closing.signal.aborted) break;
        this.enter('up');
        void this.follow(this.connection);
        return this.connection;
      } catch (error) {
        if (attempt === 0) this.logger.warn(`NATS cannot be reached: ${messageOf(error)} Trying again.`);
        const wait = Math.random() * Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(attempt, 10));
        await sleep(wait, undefined, { signal: this.closing.signal }).catch(() => undefined);
      }
    }
    await this.connection?.close();
    return undefined;
  }

  private async options(): Promise<NodeConnectionOptions> {
    const { url, credentialsFile, tlsCaFile } = this.settings;
    const { servers, tls, ...login } = parseServers(url ?? '');
    return {
      servers: [...servers],
      ...login,
      name: this.name,
      timeout: CONNECT_TIMEOUT_MS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RETRY_MS,
      reconnectJitter: RETRY_MS,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: 2,
      // A login that is refused now may be granted again: an operator is changing it.
      ignoreAuthErrorAbort: true,
      ...(tls || tlsCaFile !== undefined ? { tls: tlsCaFile === undefined ? {} : { caFile: tlsCaFile } } : {}),
      ...(credentialsFile === undefined ? {} : { authenticator: credsAuthenticator(await readFile(credentialsFile)) }),
    };
  }

  private async follow(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') this.enter('down');
      if (type === 'reconnect') this.enter('up');
    }
  }

  private enter(state: NatsLink['state']): void {
    if (this.state === 'closed' || this.state === state) return;
    if (state === 'down') this.logger.warn('The connection to NATS is lost. Trying again.');
    if (state === 'up' && this.state === 'down') this.logger.log('Connected to NATS again.');
    this.state = state;
    this.downSince = state === 'up' ? undefined : (this.downSince ?? performance.now());
    for (const listener of this.listeners) listener();
  }
}

function lostConnection(): DomainError {
  return new DomainError('unavailable', 'There is no connection to NATS right now. Try again in a moment.');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
