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
// On the same file system as the result, and where neither git nor a linter looks.
const workshop = join(root, 'node_modules', '.cache', `trimtab-build-${process.pid}`);
const fresh = values.out === undefined ? join(workshop, 'fresh') : `${dist}.${process.pid}.tmp`;
const replaced = values.out === undefined ? join(workshop, 'replaced') : `${dist}.${process.pid}.old`;

function compile(shape) {
  const args = [tsc, '-p', join(root, `tsconfig.${shape}.json`), '--outDir', join(fresh, shape)];
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? done() : reject(new Error(`tsc (${shape}) ended with ${code}.`))));
  });
}

try {
  mkdirSync(fresh, { recursive: true });
  const results = await Promise.allSettled([compile('esm'), compile('cjs')]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  for (const [shape, type] of [['esm', 'module'], ['cjs', 'commonjs']]) {
    mkdirSync(join(fresh, shape), { recursive: true });
    writeFileSync(join(fresh, shape, 'package.json'), `${JSON.stringify({ type, sideEffects: false })}\n`);
  }
  if (existsSync(dist)) renameSync(dist, replaced);
  renameSync(fresh, dist);
} catch (error) {
  process.stderr.write(`The client was not built: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  for (const path of [fresh, replaced, workshop]) rmSync(path, { recursive: true, force: true });
}
