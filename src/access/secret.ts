import { hash, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const PREFIX = { token: 'tta_', 'client-key': 'ttk_', session: 'tts_', link: 'ttl_' } as const;
const WELL_FORMED = /^tt[ak]_[A-Za-z0-9_-]{43}$/;
const WELL_FORMED_SESSION = /^tts_[A-Za-z0-9_-]{43}$/;
/** Enough to recognise a secret in a list; 24 of its 256 bits. */
const SHOWN_LENGTH = 8;

/** 256 random bits. They cannot be guessed or enumerated, so a slow hash would protect nothing that SHA-256 does not. */
export function newSecret(kind: keyof typeof PREFIX): string {
  return PREFIX[kind] + randomBytes(32).toString('base64url');
}

/** Of a token or a client key: what may stand in a header. */
export function isSecret(text: string): boolean {
  return WELL_FORMED.test(text);
}

/** What stands in a cookie, where a page cannot read it, and counts nowhere else. */
export function isSessionSecret(text: string): boolean {
  return WELL_FORMED_SESSION.test(text);
}

/**
 * What is stored, and what is looked up. Comparing hashes by an index leaks at most how much of a *hash* was right,
 * which says nothing about the secret.
 */
export function hashOf(secret: string): Buffer {
  // In one call and by way of text: a quarter of what a Hash object costs, on every warm read.
  return Buffer.from(hash('sha256', secret, 'base64'), 'base64');
}

export function shownPrefixOf(secret: string): string {
  return secret.slice(0, SHOWN_LENGTH);
}

/** The credential of `Authorization: Bearer …`. There is no other place to put one but on pages for browsers. */
export function bearerOf(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers;
  if (authorization === undefined) return undefined;
  const [scheme, secret, ...rest] = authorization.trim().split(/ +/);
  return scheme?.toLowerCase() === 'bearer' && rest.length === 0 ? secret : undefined;
}

/** The password of `Authorization: Basic …`, whatever the user name: what a browser sends when it asks a person. */
export function basicPasswordOf({ authorization }: IncomingHttpHeaders): string | undefined {
  const [scheme, encoded] = authorization?.trim().split(/ +/) ?? [];
  if (scheme?.toLowerCase() !== 'basic' || encoded === undefined) return undefined;
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? [];
  return password;
}
