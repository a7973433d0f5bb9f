import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
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

  const options = { cwd: ROOT, env: { ...process.env, DATABASE_URL: process.env.TRIMTAB_TEST_POSTGRES }, timeout: 110_000 };
  const bench = (...args: string[]) =>
    run(process.execPath, ['bench/run.mjs', '--quick', ...args], options);
  const fleet = (...args: string[]) => run(process.execPath, ['bench/fleet.mjs', '--quick', ...args], options);

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

  it('measures a fleet, in passing, in rows of the same shape', async () => {
    const { stdout } = await fleet(`--out=${out}`, '--only', 'fan-out', '--only', 'many-keys');
    const rows = JSON.parse(readFileSync(out, 'utf8')) as Row[];
    for (const size of [10, 20]) {
      expect(rows.map(({ name }) => name)).toEqual(
        expect.arrayContaining([
          `${size}: memory per connection, resident`,
          ...['1 KiB', '20 KiB'].flatMap((document) => [
            `${size} × ${document}: publish → received by the last, p50`,
            `${size} × ${document}: publish → received by the last, p99`,
            `${size} × ${document}: publish → received by the last, max`,
            `${size} × ${document}: publish → applied by the last of a sample of clients, p50`,
            `${size} × ${document}: delay of the event loop, longest`,
            `${size} × ${document}: CPU of the server per message`,
          ]),
        ]),
      );
    }
    for (const row of rows) {
      expect(Object.keys(row)).toEqual(['name', 'unit', 'value', 'limit', 'ratio', 'aim', 'met']);
      expect(row.value).toEqual(expect.any(Number));
      expect(stdout).toContain(row.name);
    }
    const last = rows.find(({ name }) => name === '20 × 20 KiB: publish → received by the last, p99') as Row;
    const committed = rows.find(({ name }) => name === '20 × 20 KiB: from the commit → received by the last, p99') as Row;
    expect(committed.value).toBeLessThan(last.value);
    expect(last).toMatchObject({ aim: 1.3, met: (last.ratio as number) <= 1.3 });
    expect(rows.find(({ name }) => name.endsWith('messages to each client, most'))).toMatchObject({ limit: 10 });
  }, 120_000);

  it('fails, and writes nothing, when a storm leaves somebody behind', async () => {
    const left = path.join(folder, 'left.json');
    const script = `
      import { measure } from './bench/support/command.mjs';
      import { mustHold } from './bench/support/checks.mjs';
      await measure({ figures: { storm: async () => ({ run: async () => mustHold(false, 'one of 20 was left behind.') }) } });`;
    const storm = run(process.execPath, ['--input-type=module', '-e', script, '--', `--out=${left}`], { cwd: ROOT });
    await expect(storm).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('one of 20 was left behind.') });
    expect(existsSync(left)).toBe(false);
  });

  it('says which figures there are when it is asked for another', async () => {
    await expect(bench('speed')).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('client-read, start, read, publish, fan-out, memory') });
  });
});
