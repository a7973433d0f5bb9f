import { hash, randomInt } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { crc32 } from 'node:zlib';

const PREFIX = { token: 'tta_', 'personal-token': 'ttp_', 'client-key': 'ttk_', session: 'tts_', link: 'ttl_' } as const;
/** Letters and digits only: a secret is one word to whoever selects it, or searches for it. */
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 62^43 is just above 2^256. */
const RANDOM_LENGTH = 43;
const CHECKSUM_LENGTH = 6;
// 43 characters, of base64url: as they were made before they had a checksum.
const WELL_FORMED = /^tt[apk]_(?:[A-Za-z0-9_-]{43}|[A-Za-z0-9]{49})$/;
const WELL_FORMED_SESSION = /^tts_(?:[A-Za-z0-9_-]{43}|[A-Za-z0-9]{49})$/;
/** Enough to recognise a secret in a list; 24 of its 256 bits. */
const SHOWN_LENGTH = 8;

/**
 * 256 random bits, which cannot be guessed or enumerated: a slow hash would protect nothing that SHA-256 does not. The
 * prefix lets a scanner find it, and the checksum at its end lets the scanner know what it has found without asking anybody.
 */
export function newSecret(kind: keyof typeof PREFIX): string {
  const secret = PREFIX[kind] + Array.from({ length: RANDOM_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return secret + checksumOf(secret);
}

/** Whether the checksum of a well-formed secret is right, if it has one: what was never given out need not be looked up. */
export function isGenuine(secret: string): boolean {
  const body = secret.slice(0, -CHECKSUM_LENGTH);
  return body.length < PREFIX.token.length + RANDOM_LENGTH || secret.endsWith(checksumOf(body));
}

/** CRC-32 of the text, in base 62. */
function checksumOf(text: string): string {
  let [digits, rest] = ['', crc32(text)];
  for (let place = 0; place < CHECKSUM_LENGTH; place += 1) {
    digits = ALPHABET.charAt(rest % ALPHABET.length) + digits;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return digits;
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
