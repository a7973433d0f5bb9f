import { connect } from 'node:net';

/** An answer as it came over the wire, its header names in lower case. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Sends bytes as they are, for what no client library would send, and reads until the server closes the connection. */
export function rawRequest(url: string, bytes: string | Buffer): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const { port, hostname } = new URL(url);
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let text = '';
    socket.setEncoding('latin1').on('data', (part: string) => (text += part));
    socket.on('error', reject).on('close', () => resolve(parse(text)));
  });
}

/** One request with the headers exactly as they are given, each as often as it is there. */
export function rawGet(url: string, path: string, headers: readonly (readonly [string, string])[] = [], method = 'GET'): Promise<RawAnswer> {
  const lines = [['host', 'x'], ['connection', 'close'], ...headers].map(([name, value]) => `${name}: ${value}\r\n`);
  return rawRequest(url, Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'));
}

function parse(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const pairs = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as [string, string]);
  return { status: Number(first.split(' ')[1]), headers: new Headers(pairs), body: rest.join('\r\n\r\n') };
}
