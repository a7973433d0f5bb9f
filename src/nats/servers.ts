/** Where to connect, and as whom, as one URL or several with commas between them says it. */
export interface NatsServers {
  readonly servers: readonly string[];
  readonly tls: boolean;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
}

/** `nats://user:password@host:4222`, `tls://token@host`: the first URL that names a login counts. */
export function parseServers(text: string): NatsServers {
  const urls = text.split(',').map((one) => new URL(one.trim()));
  const login = urls.find(({ username }) => username !== '');
  const servers = urls.map(({ host, port }) => (port === '' ? `${host}:4222` : host));
  const tls = urls.some(({ protocol }) => protocol === 'tls:');
  if (login === undefined) return { servers, tls };
  const username = decodeURIComponent(login.username);
  if (login.password === '') return { servers, tls, token: username };
  return { servers, tls, user: username, pass: decodeURIComponent(login.password) };
}

/** The same without any login, for people and logs. */
export function shownServers(text: string): string {
  return parseServers(text).servers.join(', ');
}
