import { parseServers, shownServers } from './servers';

it('takes one server or several, with the port that NATS has by default', () => {
  expect(parseServers('nats://a, nats://b:5222')).toEqual({ servers: ['a:4222', 'b:5222'], tls: false });
  expect(parseServers('nats://[::1]:4223').servers).toEqual(['[::1]:4223']);
});

it('takes a user with a password, or a token', () => {
  expect(parseServers('nats://us%40er:p%3Aw@a:4222,nats://b')).toEqual({ servers: ['a:4222', 'b:4222'], tls: false, user: 'us@er', pass: 'p:w' });
  expect(parseServers('tls://s3cret@a')).toEqual({ servers: ['a:4222'], tls: true, token: 's3cret' });
});

it('shows the servers without the login', () => {
  expect(shownServers('nats://user:s3cret@a,nats://t0ken@b')).toBe('a:4222, b:4222');
});
