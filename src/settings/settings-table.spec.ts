import { readFileSync } from 'node:fs';
import path from 'node:path';
import { settingsTable } from './settings-table';

it('is the table in docs/operations.md', () => {
  const page = readFileSync(path.resolve(__dirname, '../../docs/operations.md'), 'utf8');
  const shown = /<!-- settings:.*-->\n([^]*?)\n<!-- \/settings -->/.exec(page)?.[1];
  expect(shown).toBe(settingsTable());
});
