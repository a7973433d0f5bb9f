// The checks of this repository, in one command: types, lint, and every spec. Ends with the first failure's exit code,
// after all of them have run. Arguments go to jest.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

function run(name, script, args) {
  return new Promise((resolve) => {
    const output = [];
    const quiet = name !== 'jest';
    const child = spawn(process.execPath, [script, ...args], { cwd: root, stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'] });
    child.stdout?.on('data', (chunk) => output.push(chunk));
    child.stderr?.on('data', (chunk) => output.push(chunk));
    child.once('close', (code) => {
      if (quiet) process.stdout.write(`${code === 0 ? 'ok' : 'FAILED'}  ${name}\n${Buffer.concat(output)}`);
      resolve(code ?? 1);
    });
  });
}

const binOf = (name, bin) => path.join(path.dirname(require.resolve(`${name}/package.json`)), bin);
const tsc = binOf('typescript', 'bin/tsc');
const checks = Promise.all([
  run('types of the server', tsc, ['--noEmit']),
  run('types of the client', tsc, ['--noEmit', '-p', 'client']),
  run('lint', binOf('eslint', 'bin/eslint.js'), ['.']),
]);
const codes = availableParallelism() > 4 ? [] : await checks;
// Every file is held to close what it has opened (test/support/no-leaks.ts). What Node.js itself has still to tear down when
// all have passed may take it for ever (seen with 20.20: it turns in CleanupHandles), so jest exits and does not wait for it.
const jest = await run('jest', binOf('jest', 'bin/jest.js'), ['--forceExit', ...process.argv.slice(2)]);
process.exitCode = [...codes, ...(await checks), jest].find((code) => code !== 0) ?? 0;
