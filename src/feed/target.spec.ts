import type { Credential } from '../access/credential';
import { deliveredTo } from './target';

const TARGET = { service: 'orders', environment: 'base' };
const grants = [{ role: 'admin', services: '*', environment: 'base', reveal: true }] as const;

it('gives clear text to client keys, and to nobody else, whatever they may do', () => {
  const credentials: Credential[] = [
    { kind: 'client-key', id: '1', name: 'key', service: 'orders', environment: 'base' },
    { kind: 'token', id: '2', name: 'token', grants },
    { kind: 'session', id: '3', name: 'session', grants },
  ];
  expect(credentials.map((credential) => deliveredTo(credential, TARGET))).toEqual([{ ...TARGET, clear: true }, TARGET, TARGET]);
});
