import { OwnCookies } from './own-cookies';

const SECURE = new OwnCookies('https://trimtab.example');
const PLAIN = new OwnCookies(undefined);

describe('given the cookies of a server', () => {
  it('can be read by no script, sent by no other site, and under https set by no other host', () => {
    expect(SECURE.write('session', 'tts_x')).toBe('__Host-trimtab-session=tts_x; Path=/; HttpOnly; Secure; SameSite=Lax');
    expect(PLAIN.write('session', 'tts_x')).toBe('trimtab-session=tts_x; Path=/; HttpOnly; SameSite=Lax');
    expect(new OwnCookies('http://localhost:8848').write('device', 'x', { maxAgeSeconds: 60 })).toBe('trimtab-device=x; Max-Age=60; Path=/; HttpOnly; SameSite=Lax');
    expect(SECURE.remove('session')).toBe('__Host-trimtab-session=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax');
  });

  it.each([
    ['among others', 'a=1; __Host-trimtab-session=x; b=2', 'x'],
    ['without spaces', 'a=1;__Host-trimtab-session=x', 'x'],
    ['not at all', 'a=1', undefined],
    ['without the prefix that only the host can set', 'trimtab-session=x', undefined],
    ['with another case', '__host-trimtab-session=x', undefined],
    ['twice, one of them planted', '__Host-trimtab-session=x; __Host-trimtab-session=y', undefined],
    ['inside of another', 'a=__Host-trimtab-session=x', undefined],
    ['in a name like it', 'x__Host-trimtab-session=x', undefined],
    ['under a name of Object', '__proto__=x', undefined],
  ])('finds one that is there %s', (_name, cookie, value) => {
    expect(SECURE.read({ cookie }, 'session')).toBe(value);
    expect(SECURE.read({}, 'session')).toBeUndefined();
  });
});
