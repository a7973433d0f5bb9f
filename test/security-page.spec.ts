import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '..');
const page = readFileSync(path.join(ROOT, 'docs/security.md'), 'utf8');
const [, threats = ''] = /\n## Threats\n([^]*?)\n## /.exec(page) ?? [];
const rows = threats.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| threat |'));
const cellsOf = (row: string): string[] => row.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, ''));
const REFERENCE = /`([^`]+)`: “([^”]+)”/g;

describe('given docs/security.md', () => {
  it('names the threats that others have been hit by', () => {
    expect(rows.length).toBeGreaterThan(40);
    for (const known of ['CVE-2021-29441', 'CVE-2026-59954', 'CVE-2025-32781', 'default account', 'forgery', 'Clickjacking', 'XSS', 'ReDoS', 'Prototype pollution', 'Path traversal', 'Log injection', 'smuggling', 'alias bombs', 'dump', 'master key is lost', 'played back']) {
      expect([known, rows.some((row) => row.includes(known))]).toEqual([known, true]);
    }
  });

  it.each(rows.map((row) => [cellsOf(row)[0]!, row]))('%s: is held by tests that exist', (_threat, row) => {
    const [threat = '', how = '', tests = '', ...rest] = cellsOf(row);
    expect([threat.length > 5, how.length > 20, rest]).toEqual([true, true, []]);
    const references = [...tests.matchAll(REFERENCE)];
    expect(references.length).toBeGreaterThan(0);
    // Nothing else stands there: a reference with a slip in it would not be looked at.
    expect(tests.replace(REFERENCE, '').replaceAll(', ', '')).toBe('');
    for (const [, file, sentence] of references) {
      expect([file, existsSync(path.join(ROOT, file!))]).toEqual([file, true]);
      expect([file, sentence, titlesOf(file!).includes(sentence!)]).toEqual([file, sentence, true]);
    }
  });
});

/** The sentences of a spec: those of its tests, as they are written, and none of one that is skipped. */
function titlesOf(file: string): string[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return [...text.matchAll(/(?:^ *it|^ *it\.each\b.*\)|^ *\]\))\((['`"])(.*?)\1,/gm)].map(([, , title]) => title!);
}
