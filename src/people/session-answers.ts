import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DataSource } from 'typeorm';
import { Authenticator } from '../access/authenticator';
import type { Credential } from '../access/credential';
import type { GivenGrant } from '../access/granting';
import { HeldGrantView } from '../access/grants.dto';
import { OwnCookies } from '../access/own-cookies';
import { csrfTokenOf, requireOwnOrigin } from '../access/own-page';
import { SETTINGS, type Settings } from '../settings/settings';
import type { Arrival, Arrived } from './arrivals';
import { DEVICE_SECONDS } from './devices';
import type { PendingSignIn } from './identity-provider';
import { originOf } from './request-origin';
import { RETURN_PATTERN, type CurrentSessionView } from './sign-in.dto';

/** For as long somebody may take at the identity provider. */
const PENDING_SECONDS = 600;

/** What comes and goes with requests about sessions: cookies, and who one is. */
@Injectable()
export class SessionAnswers {
  private readonly cookies: OwnCookies;

  constructor(
    private readonly dataSource: DataSource,
    private readonly authenticator: Authenticator,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    this.cookies = new OwnCookies(settings.publicUrl);
  }

  /** @throws DomainError `csrf_refused` for what a page of another site has sent */
  arrivalOf(request: FastifyRequest): Arrival {
    if (request.method !== 'GET') requireOwnOrigin(request, this.settings.publicUrl);
    return { origin: originOf(request), sessionSecret: this.cookies.read(request.headers, 'session'), deviceSecret: this.cookies.read(request.headers, 'device') };
  }

  /** Gives the browser its secrets. */
  welcome(reply: FastifyReply, { session, deviceSecret }: Arrived): void {
    // The session's own ends with the browser, and with the session.
    void reply.header('set-cookie', [this.cookies.write('session', session.secret), this.cookies.write('device', deviceSecret, { maxAgeSeconds: DEVICE_SECONDS })]);
  }

  goodbye(reply: FastifyReply): void {
    void reply.header('set-cookie', this.cookies.remove('session'));
  }

  keepPending(reply: FastifyReply, pending: PendingSignIn): void {
    const value = Buffer.from(JSON.stringify(pending)).toString('base64url');
    void reply.header('set-cookie', this.cookies.write('oidc', value, { maxAgeSeconds: PENDING_SECONDS }));
  }

  /** What is kept in the cookie, which is then removed: it is good for one answer. */
  takePending(request: FastifyRequest, reply: FastifyReply): PendingSignIn | undefined {
    const value = this.cookies.read(request.headers, 'oidc');
    void reply.header('set-cookie', this.cookies.remove('oidc'));
    return value === undefined ? undefined : pendingOf(value);
  }

  /** The answer to somebody who has just signed in. */
  async arrived({ session: { secret } }: Arrived): Promise<CurrentSessionView> {
    return this.view(await this.authenticator.authenticateSession(secret), secret);
  }

  current(request: FastifyRequest): Promise<CurrentSessionView> {
    if (request.credential === undefined) throw new Error('A route about the current session needs a guard.');
    return this.view(request.credential, this.cookies.read(request.headers, 'session') ?? '');
  }

  private async view({ kind, id, person, grants = [], limits, expiresAt }: Credential, secret: string): Promise<CurrentSessionView> {
    const isSession = kind === 'session';
    const [row] = await this.dataSource.query<{ groups: string[]; expires_at: Date | null; ends_at: Date | null }[]>(
      `SELECT c.expires_at, s.ends_at, ARRAY(SELECT DISTINCT m.group_name FROM group_member m WHERE m.person_id = c.person_id ORDER BY 1) AS groups
         FROM credential c LEFT JOIN session s ON s.credential_id = c.id WHERE c.id = $1`,
      [id],
    );
    return {
      kind: isSession ? 'session' : 'token',
      id,
      ...(person === undefined ? {} : { person: { id: person.id, name: person.name } }),
      groups: row?.groups ?? [],
      grants: (grants as readonly GivenGrant[]).map(HeldGrantView.of),
      limits: (limits as readonly GivenGrant[] | undefined)?.map(HeldGrantView.of) ?? null,
      csrfToken: isSession ? csrfTokenOf(secret) : null,
      expiresAt: (row?.expires_at ?? expiresAt)?.toISOString() ?? null,
      endsAt: row?.ends_at?.toISOString() ?? null,
    };
  }
}

/** The browser has had it meanwhile: it may be anything. */
function pendingOf(value: string): PendingSignIn | undefined {
  try {
    const pending = JSON.parse(Buffer.from(value, 'base64url').toString('utf8')) as Partial<Record<keyof PendingSignIn, unknown>>;
    const { state, nonce, verifier, return: back } = pending;
    if (![state, nonce, verifier, back].every((part) => typeof part === 'string' && part !== '')) return undefined;
    return { state: state as string, nonce: nonce as string, verifier: verifier as string, return: RETURN_PATTERN.test(back as string) ? (back as string) : '/' };
  } catch {
    return undefined;
  }
}
