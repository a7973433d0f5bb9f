import { parseCookie, stringifySetCookie } from 'cookie';
import type { IncomingHttpHeaders } from 'node:http';

/**
 * `session`: the secret of a session. `device`: tells a browser that somebody has signed in with before from any other.
 * `oidc`: what an identity provider's answer must match.
 */
export type CookieName = 'session' | 'device' | 'oidc';

export interface CookieLife {
  /** Without it the cookie ends with the browser. */
  readonly maxAgeSeconds?: number;
}

/**
 * The cookies of this server. Under https they can be neither read nor set by anybody but the very host (`__Host-`); over
 * plain http, which is for a machine on its own, browsers would not take that name. `SameSite=Lax`: they come along when a
 * link leads here, also back from an identity provider, and with nothing else that another site asks for.
 */
export class OwnCookies {
  private readonly secure: boolean;

  constructor(publicUrl: string | undefined) {
    this.secure = publicUrl?.startsWith('https:') === true;
  }

  /** Undefined when it is not there, or there more than once: then one of them was planted. */
  read({ cookie }: IncomingHttpHeaders, name: CookieName): string | undefined {
    if (cookie === undefined) return undefined;
    const own = this.nameOf(name);
    const all = cookie.split(';').filter((pair) => pair.split('=', 1)[0]?.trim() === own);
    return all.length === 1 ? parseCookie(all[0] as string)[own] : undefined;
  }

  /** The value of a `Set-Cookie` header. */
  write(name: CookieName, value: string, { maxAgeSeconds }: CookieLife = {}): string {
    return stringifySetCookie({
      name: this.nameOf(name),
      value,
      path: '/',
      httpOnly: true,
      secure: this.secure,
      sameSite: 'lax',
      ...(maxAgeSeconds === undefined ? {} : { maxAge: maxAgeSeconds }),
    });
  }

  remove(name: CookieName): string {
    return this.write(name, '', { maxAgeSeconds: 0 });
  }

  private nameOf(name: CookieName): string {
    return `${this.secure ? '__Host-' : ''}trimtab-${name}`;
  }
}
