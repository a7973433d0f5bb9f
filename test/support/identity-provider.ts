import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { opened } from './open-resources';

/** A real identity provider (`oidc-provider`) as a process of its own. */
export interface TestIdentityProvider {
  readonly issuer: string;
  /** What it tells about a person from now on. */
  tell(sub: string, claims: object): Promise<void>;
  /**
   * The way of a browser that was sent to `url`, until it is sent back.
   *
   * @param as who signs in there; empty for who declines
   * @returns where it is sent back to
   */
  visit(url: string, as: string): Promise<string>;
  close(): Promise<void>;
}

export async function startIdentityProvider(publicUrl: string): Promise<TestIdentityProvider> {
  const child = spawn(process.execPath, [path.resolve(__dirname, 'oidc-provider.mjs'), `${publicUrl}/api/v1/session/oidc/callback`, `${publicUrl}/`], { stdio: ['ignore', 'pipe', 'ignore'] });
  const closed = opened(`identity provider ${child.pid}`);
  const exited = once(child, 'exit');
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const issuer = line.trim();
  return {
    issuer,
    tell: async (sub, claims) => {
      await fetch(`${issuer}/people`, { method: 'POST', body: JSON.stringify({ sub, ...claims }) });
    },
    visit: async (url, as) => {
      const cookies = new Map<string, string>();
      let next = url;
      for (let hop = 0; hop < 10; hop += 1) {
        const response = await fetch(next, { redirect: 'manual', headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') } });
        for (const [, name, value] of response.headers.getSetCookie().map((cookie) => /^([^=]+)=([^;]*)/.exec(cookie)!)) cookies.set(name!, value!);
        const text = await response.text();
        const location = response.headers.get('location');
        if (location !== null) next = new URL(location, next).href;
        else if (new URL(next).pathname.startsWith('/interaction/')) next += `?as=${encodeURIComponent(as)}`;
        else throw new Error(`The identity provider answered ${response.status}: ${text}`);
        if (!next.startsWith(issuer)) return next;
      }
      throw new Error('The identity provider never sent the browser back.');
    },
    close: async () => {
      child.kill();
      await exited;
      closed();
    },
  };
}
