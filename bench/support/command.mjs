import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { table } from './results.mjs';
import { endAll } from './role.mjs';
import { World } from './world.mjs';

/**
 * What both commands do: measures every figure, or the ones that are named, and writes the results of a whole run.
 *
 * @param figures By name, in the order in which they are measured: `async () => ({ run })`, a module.
 * @param sets Names for several of them.
 * @param file Where the results of a whole run go.
 */
export async function measure({ figures, sets = {}, file }) {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false }, out: { type: 'string' }, only: { type: 'string', multiple: true, default: [] } },
  });
  const asked = [...positionals, ...options.only].flatMap((name) => sets[name] ?? [name]);
  const unknown = asked.filter((name) => !Object.hasOwn(figures, name));
  if (unknown.length > 0) {
    process.stderr.write(`There is no figure ${unknown.join(', ')}. There are: ${Object.keys(figures).join(', ')}.\n`);
    process.exit(2);
  }
  const chosen = Object.keys(figures).filter((name) => asked.length === 0 || asked.includes(name));
  const isWhole = chosen.length === Object.keys(figures).length && !options.quick;
  // What is measured in part, or in passing, must not take the place of the results of a whole run.
  const out = options.out ?? (isWhole ? file : undefined);
  const world = new World();
  const stop = async () => {
    await endAll();
    await world.close();
  };
  const results = [];

  process.stdout.write(`${cpus().length} × ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}, Node.js ${process.version}\n`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop().then(() => process.exit(130)));
  try {
    for (const name of chosen) {
      const start = performance.now();
      const { run } = await figures[name]();
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
}
