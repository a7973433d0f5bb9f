// npm run bench [-- [--quick] [--out=<file>] [<figure> …]]: measures every figure, or the ones that are named, each
// beside its limit in the same run, and writes bench/results.json. docs/performance.md says how to read it.
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { table } from './support/results.mjs';
import { endAll } from './support/role.mjs';
import { World } from './support/world.mjs';

/** In this order: the ones that heat the machine least come first. */
const FIGURES = ['client-read', 'start', 'read', 'publish', 'fan-out', 'memory'];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, out: { type: 'string' } },
});
const unknown = positionals.filter((name) => !FIGURES.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`There is no figure ${unknown.join(', ')}. There are: ${FIGURES.join(', ')}.\n`);
  process.exit(2);
}

const chosen = positionals.length === 0 ? FIGURES : FIGURES.filter((name) => positionals.includes(name));
const isWhole = chosen.length === FIGURES.length && !options.quick;
// What is measured in part, or in passing, must not take the place of the results of a whole run.
const out = options.out ?? (isWhole ? new URL('./results.json', import.meta.url) : undefined);
const world = new World();
const results = [];

process.stdout.write(`${cpus().length} × ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}, Node.js ${process.version}\n`);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop().then(() => process.exit(130)));
try {
  for (const name of chosen) {
    const start = performance.now();
    const { run } = await import(`./${name}.mjs`);
    results.push(...(await run({ world, quick: options.quick })));
    process.stderr.write(`${name}: ${((performance.now() - start) / 1_000).toFixed(0)} s\n`);
  }
} catch (error) {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
} finally {
  await stop();
}
process.stdout.write(`\n${table(results)}\n`);
if (out !== undefined && process.exitCode === undefined) writeFileSync(out, `${JSON.stringify(results.map(({ row }) => row), null, 2)}\n`);

async function stop() {
  await endAll();
  await world.close();
}
