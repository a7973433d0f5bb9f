import { request, type IncomingHttpHeaders } from 'node:http';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface BytesAnswer extends Omit<HttpAnswer, 'body'> {
  readonly bytes: Buffer;
}

/** One request on a connection of its own, so that nothing is shared between tests. */
export async function get(url: string, headers: Record<string, string> = {}, options: { method?: string; signal?: AbortSignal } = {}): Promise<HttpAnswer> {
  const { bytes, ...answer } = await getBytes(url, headers, options);
  return { ...answer, body: bytes.toString() };
}

/** The same, with the body as it came. */
export function getBytes(url: string, headers: Record<string, string> = {}, options: { method?: string; signal?: AbortSignal } = {}): Promise<BytesAnswer> {
  return new Promise((resolve, reject) => {
    // Taken apart by hand: URL would tidy up the dots that a test wants to send.
    const [, hostname, port, path] = /^http:\/\/([^:]+):(\d+)(\/.*)$/.exec(url) ?? [];
    const outgoing = request({ hostname, port, path, headers, agent: false, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

export interface ServerSentEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: unknown;
}

/** An event stream as it arrives. */
export class StreamReader {
  readonly events: ServerSentEvent[] = [];
  heartbeats = 0;
  status = 0;
  headers: IncomingHttpHeaders = {};
  ended = false;
  private readonly controller = new AbortController();
  private text = '';

  constructor(url: string, headers: Record<string, string>) {
    const outgoing = request(url, { headers: { accept: 'text/event-stream', ...headers }, agent: false, signal: this.controller.signal }, (response) => {
      this.status = response.statusCode ?? 0;
      this.headers = response.headers;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => this.take(chunk));
      response.on('end', () => { this.ended = true; });
      response.on('error', () => { this.ended = true; });
    });
    outgoing.on('error', () => { this.ended = true; });
    outgoing.end();
  }

  close(): void {
    this.controller.abort();
  }

  private take(chunk: string): void {
    const blocks = (this.text + chunk).split('\n\n');
    this.text = blocks.pop() ?? '';
    for (const block of blocks) {
      if (block.startsWith(':')) {
        this.heartbeats += 1;
        continue;
      }
      const fields = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
      this.events.push({ event: fields.get('event') ?? '', id: fields.get('id'), data: JSON.parse(fields.get('data') ?? 'null') as unknown });
    }
  }
}
