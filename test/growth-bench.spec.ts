import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.resolve(__dirname, '..');

describe('given the benchmark of the growing catalog, in its quick form', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'trimtab-growth-'));
  const out = path.join(folder, 'results.json');

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('makes both catalogs and writes what each request costs on the large one beside the small one', async () => {
    const args = ['bench/growth.mjs', '--quick', '--services=150', '--releases=7500', '--includers=20', `--out=${out}`];
    const env = { ...process.env, DATABASE_URL: process.env.TRIMTAB_TEST_POSTGRES };
    await promisify(execFile)(process.execPath, args, { cwd: ROOT, env, timeout: 100_000 });
    const rows = JSON.parse(readFileSync(out, 'utf8')) as { readonly name: string; readonly value: number }[];
    const names = rows.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['publish of one document, 1 writer, large against small', 'read of a cold snapshot, large against small']));
    expect(names).toEqual(expect.arrayContaining([expect.stringMatching(/^library that 20 services include in 5 environments, publish/)]));
    for (const row of rows) {
      expect(Object.keys(row)).toEqual(['name', 'unit', 'value', 'limit', 'ratio', 'aim', 'met']);
      expect(row.value).toEqual(expect.any(Number));
    }
  }, 120_000);
});
