// Builds dist/esm and dist/cjs: the same sources compiled twice by tsc, at the same time. The result replaces an older
// one only when both runs succeeded, so that whoever is importing the package meanwhile never sees half of it.
// `--out <folder>` builds elsewhere.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const { values } = parseArgs({ options: { out: { type: 'string' } } });
const dist = values.out === undefined ? join(root, 'dist') : resolve(values.out);
const fresh = `${dist}.${process.pid}.tmp`;

function compile(shape) {
  const args = [tsc, '-p', join(root, `tsconfig.${shape}.json`), '--outDir', join(fresh, shape)];
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? done() : reject(new Error(`tsc (${shape}) ended with ${code}.`))));
  });
}

try {
  const results = await Promise.allSettled([compile('esm'), compile('cjs')]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  for (const [shape, type] of [['esm', 'module'], ['cjs', 'commonjs']]) {
    mkdirSync(join(fresh, shape), { recursive: true });
    writeFileSync(join(fresh, shape, 'package.json'), `${JSON.stringify({ type, sideEffects: false })}\n`);
  }
  const replaced = `${dist}.${process.pid}.old`;
  if (existsSync(dist)) renameSync(dist, replaced);
  renameSync(fresh, dist);
  rmSync(replaced, { recursive: true, force: true });
} catch (error) {
  rmSync(fresh, { recursive: true, force: true });
  process.stderr.write(`The client was not built: ${error.message}\n`);
  process.exitCode = 1;
}
