import type { IncomingMessage } from 'node:http';
import { defaultSettings } from '../settings/default-settings';
import { Door } from './door';

const OWN = 'https://console.example.com';
const WELL_FORMED = { upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };
const URL_OF_SOCKETS = '/socket.io/?EIO=4&transport=websocket';

const door = (allowedOrigins: readonly string[] = []): Door => new Door(defaultSettings({ feed: { allowedOrigins } }), { admitStranger: () => undefined });
const codeOf = (headers: Record<string, string>, { url = URL_OF_SOCKETS, method = 'GET', at = door([OWN]) } = {}): string | undefined =>
  at.refusalOf({ method, url, headers: { ...WELL_FORMED, ...headers } } as unknown as IncomingMessage)?.code;

it('lets in services, which name no origin, and the pages that are named', () => {
  expect(codeOf({})).toBeUndefined();
  expect(codeOf({}, { at: door() })).toBeUndefined();
  expect(codeOf({ origin: OWN })).toBeUndefined();
  expect(codeOf({ upgrade: 'WebSocket' })).toBeUndefined();
  expect(codeOf({}, { url: `${URL_OF_SOCKETS}&t=abc` })).toBeUndefined();
});

it.each([
  'null', '', '*', 'https://evil.example', 'https://console.example.com.evil.example', 'https://evil-console.example.com', 'https://console.example.com:443', 'https://console.example.com:8443',
  'http://console.example.com', 'https://Console.example.com', 'https://console.example.com/', 'https://console.example.com.', 'https://console.example.com, https://evil.example', 'wss://console.example.com', 'file://', '__proto__',
])('keeps out pages of %j', (origin) => {
  expect(codeOf({ origin })).toBe('forbidden');
  expect(codeOf({ origin }, { at: door() })).toBe('forbidden');
});

it('keeps out the pages of its own address too, when nobody has named it', () => {
  expect(codeOf({ origin: 'http://127.0.0.1:8848', host: '127.0.0.1:8848' })).toBe('forbidden');
});

it.each(['/', '/socket.io', '/socket.io?EIO=4&transport=websocket', '/Socket.io/?EIO=4&transport=websocket', '/socket.io/x?EIO=4', '//socket.io/?EIO=4', '/%73ocket.io/?EIO=4', '/socket.io/../api', '/socket.io%2f?EIO=4', '/api/v1/services', 'http://x/socket.io/?EIO=4', '*', ''])(
  'opens no socket at %j',
  (url) => {
    expect(codeOf({}, { url })).toBe('route_not_found');
  },
);

it.each(['', '?', '?EIO=4', '?EIO=3&transport=websocket', '?EIO=4&transport=polling', '?EIO=4&EIO=3&transport=websocket', '?EIO=4&transport=websocket&transport=polling', '?EIO=4&transport=__proto__', '?EIO=4&transport=websocket&sid=x', '?EIO[]=4&transport=websocket'])(
  'opens no socket with %j',
  (query) => {
    expect(codeOf({}, { url: `/socket.io/${query}` })).toBe('malformed_request');
  },
);

it.each<[string, Record<string, string>, string?]>([
  ['another protocol', { upgrade: 'h2c' }, 'GET'],
  ['several protocols', { upgrade: 'websocket, h2c' }, 'GET'],
  ['an old version', { 'sec-websocket-version': '8' }, 'GET'],
  ['a key that is none', { 'sec-websocket-key': 'x' }, 'GET'],
  ['another method', {}, 'POST'],
])('opens no socket for %s', (_name, headers, method) => {
  expect(codeOf(headers, { method: method ?? 'GET' })).toBe('malformed_request');
});
