import type { Documents } from '@trimtab/client/protocol';
import { conceal } from './conceal';

const documents: Documents = {
  application: { format: 'json', value: { db: { password: 'hunter 2/"x"', 'a/b': { pin: 4711 } }, list: [['deep-in-it']], on: true, host: 'pg' } },
  text: { format: 'text', text: 'hello' },
};
const snapshot = { documents, notes: { secrets: [['application', '/db/password'], ['application', '/db/a~1b'], ['application', '/list'], ['text', ''], ['gone', '/x']] as const } };

it('takes the secrets of a snapshot out of what is said about it, in several spellings', () => {
  const said = `at pg: hunter 2/"x", hunter 2/\\"x\\", ${encodeURIComponent('hunter 2/"x"')}, ${Buffer.from('hunter 2/"x"').toString('base64')}, 4711 and deep-in-it`;
  expect(conceal(said, snapshot)).toBe('at pg: [secret], [secret], [secret], [secret], [secret] and [secret]');
});

it('leaves alone what is said about a snapshot without secrets, or with none that could be opened', () => {
  expect(conceal('hunter 2/"x"', { documents })).toBe('hunter 2/"x"');
  const unreadable = snapshot.notes.secrets.map(([document, path]) => ({ document, path, reason: 'not_revealed' as const }));
  expect(conceal('hunter 2/"x"', { documents, notes: { ...snapshot.notes, unreadable } })).toBe('hunter 2/"x"');
});

it('withholds it all where a secret is too short to be told from a word', () => {
  const short = { documents: { application: { format: 'json', value: { pin: 'abc' } } } as const, notes: { secrets: [['application', '/pin']] as const } };
  expect(conceal('the abc of it', short)).toMatch(/^The reason is not kept/);
  expect(conceal('nothing', short)).toBe('nothing');
});
