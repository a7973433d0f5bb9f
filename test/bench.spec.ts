import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.resolve(__dirname, '..');
const run = promisify(execFile);

interface Row {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly limit: number | null;
  readonly ratio: number | null;
  readonly aim: number | null;
  readonly met: boolean | null;
}

describe('given the benchmark in its quick form', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'trimtab-bench-'));
  const out = path.join(folder, 'results.json');

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const bench = (...args: string[]) =>
    run(process.execPath, ['bench/run.mjs', '--quick', ...args], { cwd: ROOT, env: { ...process.env, DATABASE_URL: process.env.TRIMTAB_TEST_POSTGRES }, timeout: 60_000 });

  it('writes each figure beside its limit, and prints the same', async () => {
    const { stdout } = await bench(`--out=${out}`, 'client-read', 'read');
    const rows = JSON.parse(readFileSync(out, 'utf8')) as Row[];
    expect(rows.map(({ name }) => name)).toEqual([
      'config.snapshot().db.pool.max against a frozen object',
      "config.get('db.pool.max') against Map.get",
      'allocated by config.snapshot().db.pool.max',
      "allocated by config.get('db.pool.max')",
      'read of a warm 4 KiB snapshot, 200, 64 connections',
      'read of a warm 4 KiB snapshot, 304, 64 connections',
    ]);
    for (const row of rows) {
      expect(Object.keys(row)).toEqual(['name', 'unit', 'value', 'limit', 'ratio', 'aim', 'met']);
      expect(row).toMatchObject({ name: expect.any(String), unit: expect.any(String), value: expect.any(Number), limit: expect.any(Number), aim: expect.any(Number) });
      expect(stdout).toContain(row.name);
    }
    const read = rows.at(-1) as Row;
    expect(read.ratio).toBeCloseTo(read.value / (read.limit as number), 2);
    expect(read.met).toBe((read.ratio as number) >= 0.6);
  }, 90_000);

  it('says which figures there are when it is asked for another', async () => {
    await expect(bench('speed')).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('client-read, start, read, publish, fan-out, memory') });
  });
});
