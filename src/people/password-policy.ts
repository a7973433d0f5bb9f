import { DomainError } from '../kernel/domain-error';
import { COMMON_PASSWORDS } from './common-passwords';

/** What NIST SP 800-63B-4 (3.1.1.2) asks of a password that is the only factor. */
export const MIN_PASSWORD_LENGTH = 15;
export const MAX_PASSWORD_LENGTH = 256;
/** Fewer different characters are no more than a repetition. */
const MIN_DISTINCT = 5;
/** What is left beside a name must be a password in itself. */
const MIN_BESIDE_NAMES = 8;
const SEQUENCES = ['abcdefghijklmnopqrstuvwxyz', '01234567890', '1234567890', 'qwertyuiopasdfghjklzxcvbnm', 'qwertzuiopasdfghjklyxcvbnm', 'azertyuiopqsdfghjklmwxcvbn', '1qaz2wsx3edc4rfv5tgb6yhn7ujm'].flatMap((row) => [
  row.repeat(2),
  [...row].reverse().join('').repeat(2),
]);

/** One spelling for what looks the same and is typed on different keyboards, before it is hashed or compared. */
export function normalizedPassword(password: string): string {
  return password.normalize('NFKC');
}

/**
 * Length counts, and that it is not among the first anybody would try. Digits, capitals and signs are not asked for: that makes
 * passwords harder to remember and no harder to guess.
 *
 * @param names what others know of the person: login, name
 * @returns the password as it is to be hashed
 * @throws DomainError `password_unsuitable`
 */
export function acceptPassword(password: string, names: readonly string[], pointer: string): string {
  const normalized = normalizedPassword(password);
  const fault = faultOf(normalized, names);
  if (fault === undefined) return normalized;
  throw new DomainError('password_unsuitable', `${fault} A few words that do not belong together are easy to remember and hard to guess.`, { pointer });
}

function faultOf(password: string, names: readonly string[]): string | undefined {
  const { length } = [...password];
  if (length < MIN_PASSWORD_LENGTH) return `A password must be at least ${MIN_PASSWORD_LENGTH} characters long.`;
  if (length > MAX_PASSWORD_LENGTH) return `A password must be at most ${MAX_PASSWORD_LENGTH} characters long.`;
  const plain = password.toLowerCase();
  const letters = plain.replace(/[^\p{L}\p{N}]/gu, '');
  if (new Set(plain).size < MIN_DISTINCT || isCommon(plain) || isCommon(letters)) return 'This password is one of the first that anybody would try.';
  let beside = plain;
  for (const name of ['trimtab', ...names.flatMap(wordsOf)]) beside = beside.replaceAll(name, '');
  if ([...beside].length < MIN_BESIDE_NAMES) return 'This password is hardly more than a name that others know.';
  return undefined;
}

function isCommon(password: string): boolean {
  // Many put a year or a few digits behind.
  const stem = password.replace(/[0-9!?.]+$/, '');
  return [password, stem].flatMap((text) => [text, repeatedUnit(text)]).some((candidate) => COMMON_PASSWORDS.has(candidate) || isSequence(candidate));
}

function isSequence(text: string): boolean {
  return text.length >= 3 && SEQUENCES.some((sequence) => sequence.includes(text));
}

/** `abcabcab` → `abc`: what the text repeats, the text itself when it repeats nothing. */
function repeatedUnit(text: string): string {
  for (let length = 1; length <= text.length / 2; length += 1) {
    const unit = text.slice(0, length);
    if (unit.repeat(Math.ceil(text.length / length)).startsWith(text)) return unit;
  }
  return text;
}

function wordsOf(name: string): string[] {
  const whole = name.toLowerCase();
  return [whole, ...whole.split(/[^\p{L}\p{N}]+/u)].filter((word) => word.length >= 3);
}
