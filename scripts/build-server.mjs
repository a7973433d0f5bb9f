// Compiles src/ to dist/ and migrations/ to dist/migrations/ with swc. The result replaces an older one only when every
// file has compiled, so that a server that is starting meanwhile never sees half of it.
import { transformFile } from '@swc/core';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = path.join(root, 'dist');
const fresh = path.join(root, `dist.${process.pid}.tmp`);
const replaced = path.join(root, `dist.${process.pid}.old`);

function sourcesIn(folder) {
  return readdirSync(path.join(root, folder), { recursive: true })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.split(path.sep).includes('testing'))
    .map((file) => path.join(folder, file));
}

async function compile(file, target) {
  const name = path.basename(target);
  const { code, map } = await transformFile(path.join(root, file), {
    cwd: root,
    sourceMaps: true,
    sourceFileName: path.relative(path.dirname(path.join(dist, target)), path.join(root, file)),
  });
  const output = path.join(fresh, target);
  mkdirSync(path.dirname(output), { recursive: true });
  writeFileSync(output, `${code}\n//# sourceMappingURL=${name}.map\n`);
  writeFileSync(`${output}.map`, map);
}

try {
  const toJs = (file) => file.replace(/\.ts$/, '.js');
  await Promise.all([
    ...sourcesIn('src').map((file) => compile(file, toJs(path.relative('src', file)))),
    ...sourcesIn('migrations').map((file) => compile(file, toJs(file))),
  ]);
  if (existsSync(dist)) renameSync(dist, replaced);
  renameSync(fresh, dist);
} catch (error) {
  process.stderr.write(`The server was not built: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(fresh, { recursive: true, force: true });
  rmSync(replaced, { recursive: true, force: true });
}
