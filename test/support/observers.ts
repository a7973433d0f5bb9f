import { connect, silentLogger, type UntypedConfig } from '@trimtab/client';
import { applyPatch, etagOf, type Documents, type FeedMessage, type JsonValue } from '@trimtab/client/protocol';
import type { ClientEvent } from './feed-checker';

/** One client of a target that writes down what it sees, over whichever transport. */
export interface Observer {
  readonly name: string;
  readonly events: ClientEvent[];
  /** Values of the main document at each apply: what a service would have acted on. */
  readonly values: { readonly revision: number; readonly value: unknown }[];
  stop(): Promise<void>;
}

/** A connection that says nothing for this long is dead: the specs that use this set a shorter heartbeat. */
export const SILENCE_MS = 4_000;

interface Target {
  readonly url: string;
  /** A function is asked at every attempt to connect. */
  readonly key: string | (() => string);
  readonly service: string;
  readonly environment: string;
}

/** The client library, as a service uses it. */
export async function observeWithClient(name: string, target: Target): Promise<Observer> {
  const events: ClientEvent[] = [];
  const values: Observer['values'] = [];
  const config = await connect<UntypedConfig>({
    ...target,
    instanceId: name,
    diskSnapshot: false,
    logger: silentLogger,
    startTimeoutMs: 10_000,
    reconnect: { baseMs: 20, capMs: 500 },
    pollIntervalMs: 1_000,
    answerTimeoutMs: 1_000,
    rejectedRetryMs: 500,
  });
  const record = (revision: number, etag: string): void => {
    events.push({ client: name, at: performance.now(), type: 'applied', how: 'snapshot', revision, etag });
    values.push({ revision, value: config.snapshot() });
  };
  const { revision, etag } = config.status();
  record(revision, etag);
  config.on('applied', (applied) => record(applied.revision, applied.etag));
  config.on('state', ({ previous, next }) => {
    const base = { client: name, at: performance.now() };
    const { knownRevision, etag } = config.status();
    if (next === 'subscribing') events.push({ ...base, type: 'connected', revision: knownRevision, etag });
    else if (previous === 'live' || previous === 'subscribing') if (next !== 'live') events.push({ ...base, type: 'lost' });
  });
  return { name, events, values, stop: () => config.close() };
}

/** Server-sent events over plain HTTP, resumed by Last-Event-ID. What it records is what it has put together itself. */
export function observeEvents(name: string, { url, key, service, environment }: Target): Observer {
  const events: ClientEvent[] = [];
  const values: Observer['values'] = [];
  const stopping = new AbortController();
  let lastId: string | undefined;
  let documents: Documents = {};

  const follow = async ({ signal, heard }: Attempt): Promise<void> => {
    const response = await fetch(new URL(`/v1/config/${environment}/${service}`, url), {
      signal,
      headers: { authorization: `Bearer ${keyOf(key)}`, accept: 'text/event-stream', ...(lastId === undefined ? {} : { 'last-event-id': lastId }) },
    });
    if (!response.ok || !response.body) throw new Error(`${response.status}`);
    const [revision, held] = lastId?.split(/:(.*)/s) ?? [];
    events.push({ client: name, at: performance.now(), type: 'connected', ...(revision === undefined ? {} : { revision: Number(revision), etag: held }) });
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const chunk of response.body) {
        heard();
        const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
        rest = parts.pop()!;
        for (const part of parts) note(part);
      }
    } finally {
      events.push({ client: name, at: performance.now(), type: 'lost' });
    }
  };
  const note = (part: string): void => {
    const fields = new Map(part.split('\n').map((line) => line.split(/: ?(.*)/s) as [string, string]));
    const data = fields.get('data');
    if (data === undefined) return;
    const message = JSON.parse(data) as FeedMessage;
    const base = { client: name, at: performance.now() };
    if (message.type === 'snapshot' || message.type === 'delta') {
      const { revision } = message;
      documents = message.type === 'snapshot' ? message.documents : (applyPatch(documents as unknown as JsonValue, message.patch) as unknown as Documents);
      const origin = message.type === 'snapshot' ? { how: message.type } : { how: message.type, from: message.from };
      events.push({ ...base, type: 'applied', ...origin, revision, etag: etagOf(documents as unknown as JsonValue) });
      values.push({ revision, value: mainOf(documents) });
    }
    if (message.type === 'current' || message.type === 'bookmark') events.push({ ...base, type: 'noted', how: message.type, revision: message.revision });
    lastId = fields.get('id') ?? lastId;
  };
  const running = again(follow, stopping.signal);
  return { name, events, values, stop: () => (stopping.abort(), running) };
}

/** HTTP long polling, resumed by revision and ETag. */
export function observeByPolling(name: string, { url, key, service, environment }: Target): Observer {
  const events: ClientEvent[] = [];
  const values: Observer['values'] = [];
  const stopping = new AbortController();
  let held: { revision: number; etag: string } | undefined;

  const poll = async ({ signal }: Attempt): Promise<void> => {
    const query = held === undefined ? '' : `?wait=2s&revision=${held.revision}`;
    const base = (): { client: string; at: number } => ({ client: name, at: performance.now() });
    events.push({ ...base(), type: 'connected', ...held });
    const response = await fetch(new URL(`/v1/config/${environment}/${service}${query}`, url), {
      signal,
      headers: { authorization: `Bearer ${keyOf(key)}`, ...(held === undefined ? {} : { 'if-none-match': held.etag }) },
    });
    if (response.status === 304 && held !== undefined) {
      held = { revision: Number(response.headers.get('trimtab-revision')), etag: held.etag };
      events.push({ ...base(), type: 'noted', how: 'current', revision: held.revision });
      return;
    }
    if (!response.ok) throw new Error(`${response.status}`);
    const body = (await response.json()) as { revision: number; documents: Documents };
    const etag = etagOf(body.documents as unknown as JsonValue);
    events.push({ ...base(), type: 'applied', how: 'snapshot', revision: body.revision, etag });
    values.push({ revision: body.revision, value: mainOf(body.documents) });
    held = { revision: body.revision, etag };
  };
  const running = again(
    (attempt) =>
      poll(attempt).catch((error: unknown) => {
        events.push({ client: name, at: performance.now(), type: 'lost' });
        throw error;
      }),
    stopping.signal,
  );
  return { name, events, values, stop: () => (stopping.abort(), running) };
}

function keyOf(key: Target['key']): string {
  return typeof key === 'string' ? key : key();
}

function mainOf({ application }: Documents): unknown {
  return application !== undefined && 'value' in application ? application.value : undefined;
}

interface Attempt {
  readonly signal: AbortSignal;
  /** The connection has shown that it lives. */
  heard(): void;
}

/** Begins anew whenever an attempt ends, fails or falls silent, until it is told to stop. */
async function again(work: (attempt: Attempt) => Promise<void>, stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted) {
    const attempt = new AbortController();
    const abort = (): void => attempt.abort();
    let timer = setTimeout(abort, SILENCE_MS);
    const heard = (): void => {
      clearTimeout(timer);
      timer = setTimeout(abort, SILENCE_MS);
    };
    stopped.addEventListener('abort', abort);
    await work({ signal: attempt.signal, heard }).catch(() => undefined);
    stopped.removeEventListener('abort', abort);
    clearTimeout(timer);
    // A server that is down refuses at once; without a pause this would spin.
    if (!stopped.aborted) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
