import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { DomainError } from '../kernel/domain-error';

/** The header that proves that a request was made by a page which could read an answer of ours. */
export const CSRF_HEADER = 'x-csrf-token';

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface PageRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

/** Follows from the session's secret, which no page can read, and says nothing about it. Ends with it. */
export function csrfTokenOf(sessionSecret: string): string {
  return createHmac('sha256', sessionSecret).update('csrf').digest('base64url');
}

/**
 * For requests that a cookie authenticates, which browsers send along unasked: whatever changes something must name the
 * token of the session, and come from a page of ours as far as the browser says.
 *
 * @throws DomainError `csrf_refused`
 */
export function requireOwnPage(request: PageRequest, sessionSecret: string, publicUrl: string | undefined): void {
  if (SAFE_METHODS.has(request.method)) return;
  requireOwnOrigin(request, publicUrl);
  if (!isSame(request.headers[CSRF_HEADER], csrfTokenOf(sessionSecret))) {
    throw new DomainError('csrf_refused', 'Send the csrfToken of GET /api/v1/session as the header X-CSRF-Token.');
  }
}

/**
 * For requests that set a cookie: another site may not sign a person in as somebody else. Programs, which say nothing about
 * where they come from, may.
 *
 * @throws DomainError `csrf_refused`
 */
export function requireOwnOrigin({ headers }: PageRequest, publicUrl: string | undefined): void {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw new DomainError('csrf_refused', 'The request comes from a page of another origin.');
  const { origin, host } = headers;
  if (origin === undefined) return;
  if (publicUrl === undefined ? hostOf(origin) === host : origin === publicUrl) return;
  const address = publicUrl === undefined ? 'If a proxy stands before the server, set TRIMTAB_PUBLIC_URL to the address that people use.' : `People reach this server at ${publicUrl}.`;
  throw new DomainError('csrf_refused', `The request comes from a page of another origin. ${address}`);
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function isSame(given: string | string[] | undefined, expected: string): boolean {
  if (typeof given !== 'string') return false;
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
