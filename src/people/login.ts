/**
 * A login has one spelling: lower-case ASCII, like the local part of an e-mail address or a whole one. Letters of other
 * scripts that look like these are no part of it, so nobody can register beside somebody else under the same looks.
 */
const LOGIN_PATTERN = /^[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9])?(?:@[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?)?$/;

/** What a login may be typed as; {@link canonicalLogin} says how it is stored and looked up. */
export const TYPED_LOGIN_PATTERN = new RegExp(LOGIN_PATTERN.source.replaceAll('a-z', 'A-Za-z'));

/** The one spelling of a login; undefined for what cannot be one. */
export function canonicalLogin(typed: string): string | undefined {
  // Only ASCII letters are lowered: to others, such as the Kelvin sign, lowering would give the looks of these.
  const login = typed.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return LOGIN_PATTERN.test(login) ? login : undefined;
}
