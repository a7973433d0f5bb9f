import { Api, type Answer } from './api';

/**
 * Keeps cookies and sends them along as a browser does, and the CSRF token of the last answer that had one as our own
 * pages do.
 */
export class Browser extends Api {
  readonly cookies = new Map<string, string>();
  csrfToken: string | undefined;

  constructor(url: string) {
    super(url, undefined);
  }

  override async request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await super.request(method, path, body, {
      ...(cookie === '' ? {} : { cookie }),
      ...(this.csrfToken === undefined ? {} : { 'x-csrf-token': this.csrfToken }),
      ...headers,
    });
    for (const line of answer.headers.getSetCookie()) this.keep(line);
    const { csrfToken } = (answer.json ?? {}) as { csrfToken?: string };
    if (typeof csrfToken === 'string') this.csrfToken = csrfToken;
    return answer;
  }

  /** The same browser on another replica. */
  at(url: string): Browser {
    const other = new Browser(url);
    this.cookies.forEach((value, name) => other.cookies.set(name, value));
    other.csrfToken = this.csrfToken;
    return other;
  }

  private keep(setCookie: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(setCookie) ?? [];
    if (/; Max-Age=0(;|$)/.test(setCookie)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}
