import { Socket } from 'node:net';
import { Client } from 'pg';
import { CHANNEL } from './announce';
import type { Heads } from './heads';

export interface ListenerConnectionOptions {
  readonly url: string;
  readonly connectTimeoutMs: number;
  /** A query that takes longer means that nobody is at the other end any more. */
  readonly queryTimeoutMs: number;
  readonly onNotification: () => void;
  readonly onLost: (error: Error) => void;
}

const HEADS_QUERY = {
  name: 'heads',
  text: `
    SELECT coalesce(newest.id, 0) AS revision,
           concat_ws(' ', newest.created_at, log.id, log.seen) AS mark,
           extract(epoch FROM clock_timestamp()) * 1000 AS now,
           coalesce((SELECT value FROM topic_counter WHERE topic = 'catalog'), 0) AS catalog,
           coalesce((SELECT value FROM topic_counter WHERE topic = 'access'), 0) AS access,
           EXISTS (SELECT FROM pg_listening_channels() AS listening (channel) WHERE channel = '${CHANNEL}') AS subscribed
      FROM log_identity log LEFT JOIN LATERAL (SELECT id, created_at FROM revision ORDER BY id DESC LIMIT 1) newest ON true`,
};

interface HeadsRow {
  readonly revision: string;
  readonly catalog: string;
  readonly access: string;
  readonly mark: string;
  readonly now: string;
  readonly subscribed: boolean;
}

/** One session that listens, from its opening to its end. It does not heal: whoever holds it opens another one. */
export class ListenerConnection {
  private constructor(
    private readonly client: Client,
    private readonly socket: Socket,
  ) {}

  /** The socket is ours, so that `signal` ends an attempt at any point of it, even if nobody answers. */
  static async open(options: ListenerConnectionOptions, signal: AbortSignal): Promise<ListenerConnection> {
    const socket = new Socket();
    const abort = (): unknown => socket.destroy();
    const client = new Client({
      connectionString: options.url,
      application_name: 'trimtab listener',
      connectionTimeoutMillis: options.connectTimeoutMs,
      query_timeout: options.queryTimeoutMs,
      keepAlive: true,
      stream: () => socket,
    });
    client.on('error', options.onLost);
    client.on('end', () => options.onLost(new Error('The connection was closed.')));
    client.on('notification', options.onNotification);
    signal.addEventListener('abort', abort, { once: true });
    try {
      signal.throwIfAborted();
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      return new ListenerConnection(client, socket);
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** With the database's own time. Also fails when the session no longer listens: behind a pooler another one may have taken its place. */
  async heads(): Promise<{ heads: Heads; now: number }> {
    const { rows } = await this.client.query<HeadsRow>(HEADS_QUERY);
    const row = rows[0];
    if (row?.subscribed !== true) throw new Error('The session has lost its subscription.');
    const heads = { revision: Number(row.revision), catalog: Number(row.catalog), access: Number(row.access), mark: row.mark };
    return { heads, now: Number(row.now) };
  }

  /** Without a farewell: it could wait for an answer that never comes. Postgres notices the end by itself. */
  close(): void {
    this.socket.destroy();
  }
}
