import { PROTOCOL_VERSION, type ClosingMessage, type ConnectErrorData, type FeedMessage } from '@trimtab/client/protocol';
import { request, type IncomingMessage } from 'node:http';
import { io } from 'socket.io-client';
import { opened } from './open-resources';

/** A connection that receives configuration, as a spec about connections sees it. */
export interface Connection {
  readonly messages: readonly FeedMessage[];
  /** The code it was refused or ended with, or `closed` when it ended without one. */
  readonly ended: Promise<string>;
  close(): void;
}

export interface ConnectionTarget {
  readonly service: string;
  readonly environment: string;
}

export type Opener = (url: string, key: string | undefined, target: ConnectionTarget) => Promise<Connection>;

/** Resolves when the first message has arrived, or the connection was refused: `ended` says which. */
export const openSocketIo: Opener = async (url, key, { service, environment }) => {
  const closed = opened(`socket.io connection to ${url}`);
  const messages: FeedMessage[] = [];
  const auth = { protocol: PROTOCOL_VERSION, service, environment, ...(key === undefined ? {} : { key }) };
  const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false, auth });
  let code = 'closed';
  const ended = new Promise<string>((resolve) => {
    socket.on('connect_error', (error) => resolve((error as Error & { data?: ConnectErrorData }).data?.code ?? error.message));
    socket.on('disconnect', () => resolve(code));
  });
  const first = new Promise<void>((resolve) => {
    socket.on('feed', (message: FeedMessage) => {
      messages.push(message);
      if (message.type === 'closing') ({ code } = message);
      resolve();
    });
  });
  void ended.finally(closed);
  await Promise.race([first, ended]);
  return { messages, ended, close: () => socket.disconnect() };
};

/** Resolves when the first event has arrived, or the request was refused. */
export const openStream: Opener = async (url, key, { service, environment }) => {
  const closed = opened(`event stream of ${url}`);
  const messages: FeedMessage[] = [];
  const { response, hangUp } = await send(`${url}/v1/config/${environment}/${service}`, key, { accept: 'text/event-stream' });
  let text = '';
  let arrived: () => void = () => undefined;
  const first = new Promise<void>((resolve) => (arrived = resolve));
  const ended = new Promise<string>((resolve) => {
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      text += chunk;
      if (response.statusCode !== 200) return;
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (data !== undefined) messages.push(JSON.parse(data) as FeedMessage);
      }
      arrived();
    });
    response.on('close', () => {
      const closing = messages.find((message): message is ClosingMessage => message.type === 'closing');
      resolve(response.statusCode === 200 ? (closing?.code ?? 'closed') : codeOf(text));
    });
  });
  void ended.finally(closed);
  await Promise.race([first, ended]);
  return { messages, ended, close: hangUp };
};

/** A long poll that has nothing to wait for but a change: resolves when it is parked or refused. */
export const openPoll: Opener = async (url, key, { service, environment }) => {
  const closed = opened(`long poll of ${url}`);
  const path = `${url}/v1/config/${environment}/${service}`;
  const messages: FeedMessage[] = [];
  const read = await send(path, key, {});
  const present = await textOf(read.response);
  if (read.response.statusCode !== 200) {
    closed();
    return { messages, ended: Promise.resolve(codeOf(present)), close: () => undefined };
  }
  const headers = { 'if-none-match': read.response.headers.etag ?? '' };
  const controller = new AbortController();
  const ended = send(`${path}?wait=30s`, key, headers, controller.signal)
    .then(async ({ response }) => {
      const text = await textOf(response);
      return response.statusCode !== undefined && response.statusCode >= 400 ? codeOf(text) : String(response.statusCode);
    })
    .catch(() => 'closed');
  void ended.finally(closed);
  return { messages, ended, close: () => controller.abort() };
};

export const OPENERS: Readonly<Record<string, Opener>> = { 'socket.io': openSocketIo, 'server-sent events': openStream, 'long poll': openPoll };

interface Sent {
  readonly response: IncomingMessage;
  hangUp(): void;
}

function send(url: string, key: string | undefined, headers: Record<string, string>, signal?: AbortSignal): Promise<Sent> {
  const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` };
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, headers: { ...authorization, ...headers }, signal }, (response) => {
      response.on('error', () => undefined);
      resolve({ response, hangUp: () => sent.destroy() });
    });
    sent.on('error', reject);
    sent.end();
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

function codeOf(problem: string): string {
  return (JSON.parse(problem) as { code: string }).code;
}
