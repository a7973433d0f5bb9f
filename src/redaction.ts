import { ERROR_CODES } from './kernel/error-codes';

const REDACTED = '[redacted]';
/** Deeper than anything that is logged on purpose. */
const MAX_DEPTH = 6;

/** Members that hold what somebody proves with who they are, however they are written: `X-CSRF-Token`, `newPassword`, `client_secret`. */
const PROOF = /(?:password|passphrase|secret|token|cookies?|authorization|credentials?|verifier|nonce|masterkeys?)$/;
/** Members that hold part of a request, or one whole: there is no saying what its caller put there. */
const OF_REQUESTS: ReadonlySet<string> = new Set(['headers', 'rawheaders', 'query', 'querystring', 'body', 'params', 'parameters', 'url', 'originalurl', 'state', 'req', 'request', 'res', 'reply', 'response']);
/** Of errors: ours, Node's and the database's. What an identity provider calls a code is none of them. */
const ERROR_CODE = /^[A-Z0-9_]{2,40}$/;

/** Our own secrets, anybody's bearer, and the password in an address, wherever they have got into a sentence. */
const SECRET_TEXT = /\btt[a-z]_[A-Za-z0-9_-]{20,}|\b(?:Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}|(?<=:\/\/[^\s/:@"]{0,256}:)[^\s/@"]{1,256}(?=@)/g;

/** The fields of a log line without what must not be in one, whoever put it there. */
export function withoutSecrets(fields: Record<string, unknown>): Record<string, unknown> {
  return copy(fields, 0) as Record<string, unknown>;
}

/** A finished line without secrets in its sentences. */
export function withoutSecretText(line: string): string {
  return line.replace(SECRET_TEXT, REDACTED);
}

function copy(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Error || value instanceof Date) return value;
  if (depth === MAX_DEPTH) return REDACTED;
  if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, isSecret(name, member) ? REDACTED : copy(member, depth + 1)]));
}

function isSecret(name: string, value: unknown): boolean {
  if (value === undefined) return false;
  const plain = name.replace(/[-_]/g, '').toLowerCase();
  if (plain === 'code') return typeof value !== 'string' || !(ERROR_CODE.test(value) || Object.hasOwn(ERROR_CODES, value));
  return OF_REQUESTS.has(plain) || PROOF.test(plain);
}
