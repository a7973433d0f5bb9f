import { Inject, Injectable, Optional } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { SETTINGS, type Settings } from '../settings/settings';
import { Authenticator } from './authenticator';
import type { Credential } from './credential';
import { OwnCookies } from './own-cookies';
import { requireOwnPage } from './own-page';
import { SESSION_USE, type SessionUse } from './session-use';

/** Who has signed in, by the cookie of a request. */
@Injectable()
export class CookieSessions {
  private readonly cookies: OwnCookies;

  constructor(
    private readonly authenticator: Authenticator,
    @Inject(SETTINGS) private readonly settings: Settings,
    @Optional() @Inject(SESSION_USE) private readonly use?: SessionUse,
  ) {
    this.cookies = new OwnCookies(settings.publicUrl);
  }

  /** Undefined for a request without such a cookie, and for one with an `Authorization` header: that is what counts then. */
  async authenticate(request: FastifyRequest): Promise<Credential | undefined> {
    const { headers } = request;
    const secret = headers.authorization === undefined ? this.cookies.read(headers, 'session') : undefined;
    if (secret === undefined) return undefined;
    const credential = await this.authenticator.authenticateSession(secret);
    requireOwnPage(request, secret, this.settings.publicUrl);
    // Should that fail, the session ends a little earlier than it might.
    await this.use?.used(credential).catch(() => undefined);
    return credential;
  }
}
