import { connect, silentLogger, type UntypedConfig } from '@trimtab/client';
import type { FeedMessage } from '@trimtab/client/protocol';
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
  readonly key: string;
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
  });
  const record = (revision: number, etag: string): void => {
    events.push({ client: name, at: performance.now(), type: 'applied', how: 'snapshot', revision, etag });
    values.push({ revision, value: config.snapshot() });
  };
  const { revision, etag } = config.status();
  record(revision, etag);
  config.on('applied', (applied) => record(applied.revision, applied.etag));
  return { name, events, values, stop: () => config.close() };
}

/** Server-sent events over plain HTTP, resumed by Last-Event-ID. Deltas are not asked to be applied here: only noted. */
export function observeEvents(name: string, { url, key, service, environment }: Target): Observer {
  const events: ClientEvent[] = [];
  const stopping = new AbortController();
  let lastId: string | undefined;

  const follow = async ({ signal, heard }: Attempt): Promise<void> => {
    const response = await fetch(new URL(`/v1/config/${environment}/${service}`, url), {
      signal,
      headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream', ...(lastId === undefined ? {} : { 'last-event-id': lastId }) },
    });
    if (!response.ok || !response.body) throw new Error(`${response.status}`);
    const [revision, held] = lastId?.split(/:(.*)/s) ?? [];
    events.push({ client: name, at: performance.now(), type: 'connected', ...(revision === undefined ? {} : { revision: Number(revision), etag: held }) });
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of response.body) {
      heard();
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
      rest = parts.pop()!;
      for (const part of parts) note(part);
    }
  };
  const note = (part: string): void => {
    const fields = new Map(part.split('\n').map((line) => line.split(/: ?(.*)/s) as [string, string]));
    const data = fields.get('data');
    if (data === undefined) return;
    const message = JSON.parse(data) as FeedMessage;
    const base = { client: name, at: performance.now() };
    if (message.type === 'snapshot') events.push({ ...base, type: 'applied', how: 'snapshot', revision: message.revision, etag: message.etag });
    if (message.type === 'delta') events.push({ ...base, type: 'applied', how: 'delta', revision: message.revision, etag: message.etag, from: message.from });
    if (message.type === 'current' || message.type === 'bookmark') events.push({ ...base, type: 'noted', how: message.type, revision: message.revision });
    lastId = fields.get('id') ?? lastId;
  };
  const running = again(follow, stopping.signal);
  return { name, events, values: [], stop: () => (stopping.abort(), running) };
}

/** HTTP long polling, resumed by revision and ETag. */
export function observeByPolling(name: string, { url, key, service, environment }: Target): Observer {
  const events: ClientEvent[] = [];
  const values: Observer['values'] = [];
  const stopping = new AbortController();
  let held: { revision: number; etag: string } | undefined;

  const poll = async ({ signal }: Attempt): Promise<void> => {
    const query = held === undefined ? '' : `?wait=2s&revision=${held.revision}`;
    const response = await fetch(new URL(`/v1/config/${environment}/${service}${query}`, url), {
      signal,
      headers: { authorization: `Bearer ${key}`, ...(held === undefined ? {} : { 'if-none-match': held.etag }) },
    });
    if (response.status === 304) return;
    if (!response.ok) throw new Error(`${response.status}`);
    const body = (await response.json()) as { revision: number; etag: string; documents: { application?: { value: unknown } } };
    // A revision that changed only comments or the order of keys leaves the content, and so the client, as it was.
    if (body.etag !== held?.etag) {
      events.push({ client: name, at: performance.now(), type: 'applied', how: 'snapshot', revision: body.revision, etag: body.etag });
      values.push({ revision: body.revision, value: body.documents.application?.value });
    }
    held = { revision: body.revision, etag: body.etag };
  };
  const running = again(poll, stopping.signal);
  return { name, events, values, stop: () => (stopping.abort(), running) };
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
