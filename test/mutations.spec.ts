import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { MUTATIONS } from './support/mutations.cjs';
import { natsAvailable } from './support/nats';

/**
 * A check that cannot fail proves nothing. Each of these runs a spec over code in which one line, the one the promise
 * hangs on, is broken; the spec has to fail.
 */
const runner = path.resolve(__dirname, '../node_modules/jest/bin/jest.js');

/** Those of specs that would be skipped here are left out. */
const noticed = Object.entries(MUTATIONS).filter(([, mutation]) => !('needs' in mutation) || natsAvailable());

it.each(noticed)(
  'the suite notices: %s',
  async (name, { spec, only }) => {
    // What a failing test leaves open would keep the run from ending.
    const { code, output } = await runJest(['--runInBand', '--forceExit', '--testTimeout', '8000', ...(only === undefined ? [] : ['--testNamePattern', only]), spec], name);
    expect(output).toMatch(/^Tests: +[1-9]\d* failed/m);
    expect(code).toBe(1);
  },
  180_000,
);

async function runJest(args: readonly string[], mutation: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [runner, ...args], {
    cwd: path.resolve(__dirname, '..'),
    env: { ...process.env, TRIMTAB_MUTATION: mutation },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const closed = once(child, 'close');
  const [code] = (await once(child, 'exit')) as [number | null];
  // They hold the pipes open, too.
  endGroupOf(child.pid);
  await closed;
  return { code, output };
}

/** The processes that a failing test has started and not ended. */
function endGroupOf(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
