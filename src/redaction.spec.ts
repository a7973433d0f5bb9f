import { withoutSecrets, withoutSecretText } from './redaction';

const PLANTED = 'planted-7f3a';

describe('given the fields of a log line', () => {
  it.each([
    'authorization', 'Authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'Set-Cookie', 'cookies', 'x-csrf-token', 'X-CSRF-Token', 'csrfToken', 'password', 'newPassword', 'new_password', 'secret',
    'clientSecret', 'client_secret', 'token', 'idToken', 'access_token', 'refresh-token', 'code_verifier', 'nonce', 'state', 'code', 'credential', 'masterKey', 'headers', 'query', 'body', 'params', 'url', 'req', 'res',
  ])('leaves out %s, wherever it is', (name) => {
    for (const fields of [{ [name]: PLANTED }, { deep: { er: [{ [name]: PLANTED }] } }, { [name]: { inner: [PLANTED] } }]) expect(JSON.stringify(withoutSecrets(fields))).not.toContain(PLANTED);
  });

  it('leaves everything else as it is', () => {
    const moment = new Date();
    const error = new Error('x');
    const fields = { context: 'Publish', revision: 7, layers: [{ service: 'orders', environment: 'base' }], route: '/api/v1/tokens/:id', actorId: 'a', code: 'unavailable', moment, err: error, none: null, missing: undefined };
    expect(withoutSecrets(fields)).toEqual(fields);
    for (const code of ['ECONNREFUSED', '23505', 'FST_ERR_BAD_URL', 'change_conflict']) expect(withoutSecrets({ code })).toEqual({ code });
  });

  it('comes to an end where the fields do not', () => {
    const ring: Record<string, unknown> = {};
    ring['ring'] = ring;
    expect(JSON.stringify(withoutSecrets(ring))).toContain('[redacted]');
  });
});

describe('given a sentence', () => {
  it.each([
    `no such token tta_${'a'.repeat(49)} here`,
    `key ttk_${'a'.repeat(43)}`,
    `session tts_${'a'.repeat(49)};`,
    'Authorization: Bearer abcdefgh.ijklmnop',
    'sent Basic dXNlcjpwYXNzd29yZA==',
    'cannot connect to postgres://user:aaaaaaaaaa@db/trimtab',
  ])('takes the secret out of: %s', (sentence) => {
    const line = withoutSecretText(JSON.stringify({ message: sentence }));
    expect(line).not.toMatch(/aaaaaaaa|abcdefgh|dXNlcjpw/);
    expect(JSON.parse(line)).toEqual({ message: expect.stringContaining('[redacted]') });
  });

  it.each(['Revision 7 is published.', 'GET /api/v1/services/:service 200', 'Server listening at http://127.0.0.1:8848', 'see https://example.com/a:b@c', 'a bearer of bad news'])('leaves alone: %s', (sentence) => {
    expect(withoutSecretText(sentence)).toBe(sentence);
  });

  it('takes no longer for a sentence that was written to take long', () => {
    const began = performance.now();
    for (const part of ['://', '://a:', 'tta_', 'Bearer ', '://' + 'a'.repeat(300)]) withoutSecretText(part.repeat(20_000));
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
