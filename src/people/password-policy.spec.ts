import fc from 'fast-check';
import { acceptPassword, MAX_PASSWORD_LENGTH, normalizedPassword } from './password-policy';

const accept = (password: string, names: string[] = ['ada@example.com', 'Ada Lovelace']): string => acceptPassword(password, names, '/password');
const refusal = (password: string): string => {
  try {
    accept(password);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('given a password', () => {
  it.each([
    ['a few words', 'copper lamp under rain'],
    ['only lower-case letters', 'quietlamponthestair'],
    ['spaces and signs', 'a ü ☂ – what a day!'],
    ['one of the greatest length', 'quiet lamp '.repeat(30).slice(0, MAX_PASSWORD_LENGTH - 20) + 'on the stair of ice!'],
    ['a name in a long one', 'lovelace and the quiet lamp'],
  ])('takes %s', (_name, password) => {
    expect(accept(password)).toBe(password.normalize('NFKC'));
  });

  it.each([
    ['a short one', 'k4!xP9_m2QzT#w'],
    ['one that is short when it is normalised', 'e\u0301'.repeat(10)],
    ['one that is too long', 'quiet lamp on the stair '.repeat(12)],
    ['one letter', 'aaaaaaaaaaaaaaaaaaaa'],
    ['a row of digits', '123456789012345'],
    ['a row of keys', 'qwertyuiopasdfgh'],
    ['a row of keys, backwards', 'poiuytrewqlkjhgfdsa'.slice(0, 10).repeat(2)],
    ['a common one, repeated', 'passwordpassword'],
    ['a common one, repeated with digits behind', 'PasswordPassword2026!'],
    ['a common one with much behind', 'changeme1234567890'],
    ['a famous one', 'correct horse battery staple'],
    ['a name and little more', 'ada.lovelace1815'],
    ['the login', 'ada@example.com1'],
    ['the name of the product', 'trimtabtrimtab12'],
  ])('refuses %s', (_name, password) => {
    expect(refusal(password)).toMatch(/password/);
    expect(refusal(password)).not.toContain(password);
  });

  it('is the same however it was typed', () => {
    expect(normalizedPassword('Å quiet lamp')).toBe(normalizedPassword('A\u030A quiet lamp'));
    expect(normalizedPassword('ﬁfteen')).toBe(normalizedPassword('fifteen'));
  });

  it('never fails on any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (password) => typeof refusal(password) === 'string'));
  });
});
