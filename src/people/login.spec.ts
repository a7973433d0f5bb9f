import { canonicalLogin, TYPED_LOGIN_PATTERN } from './login';

describe('given a login as somebody types it', () => {
  it.each([
    ['ada', 'ada'],
    ['Ada', 'ada'],
    ['ADA.Lovelace@Example.COM', 'ada.lovelace@example.com'],
    ['a', 'a'],
    ['ada+test@example.com', 'ada+test@example.com'],
  ])('%s is %s', (typed, login) => {
    expect(canonicalLogin(typed)).toBe(login);
    expect(TYPED_LOGIN_PATTERN.test(typed)).toBe(true);
    expect(canonicalLogin(login)).toBe(login);
  });

  it.each([
    ['nothing', ''],
    ['spaces around', ' ada'],
    ['a line break after', 'ada\n'],
    ['a Cyrillic letter', 'аda'],
    ['a full-width letter', 'ａda'],
    ['the Kelvin sign, whose lower case is k', '\u212Aim'],
    ['a dotted capital I', '\u0130da'],
    ['an accent', 'adá'],
    ['a zero-width joiner', 'ad\u200Da'],
    ['a slash', 'ada/lovelace'],
    ['NUL', 'ada\0'],
    ['two at signs', 'ada@a@b'],
    ['a dot at the end', 'ada.'],
    ['too many letters', 'a'.repeat(65)],
  ])('refuses %s', (_name, typed) => {
    expect(canonicalLogin(typed)).toBeUndefined();
    expect(TYPED_LOGIN_PATTERN.test(typed)).toBe(false);
  });
});
