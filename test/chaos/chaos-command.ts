import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { natsAvailable } from '../support/nats';
import { stillOpen } from '../support/open-resources';
import { availableFaults } from './faults';
import { linesOf } from './history';
import { FAULTS, type FaultKind } from './plan';
import { reportOf } from './report';
import { runChaos } from './run-chaos';
import { selfTest } from './self-test';

const USAGE = `npm run chaos -- [options]

  --seconds <n>     how long things go wrong          (30)
  --seed <n>        what goes wrong, and when         (1)
  --replicas <n>    server processes                  (3)
  --edges <n>       processes that serve from NATS    (1 where there is a nats-server, else 0)
  --clients <n>     clients of all kinds              (12)
  --publishers <n>  who publish without a rest        (3)
  --faults <a,b>    only these; --list names them all
  --history <file>  write the history also when every promise was kept
  --self-test       break the server on purpose, and see that it is noticed

Exit code: 0 every promise was kept, 1 one was broken, 2 it could not run.
`;

interface Arguments {
  readonly seconds: number;
  readonly seed: number;
  readonly replicas: number;
  readonly edges: number;
  readonly clients: number;
  readonly publishers: number;
  readonly faults?: readonly FaultKind[];
  readonly history?: string;
}

/** The command line; answers with its exit code. */
export async function chaosCommand(args: readonly string[]): Promise<0 | 1 | 2> {
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seconds: { type: 'string' }, seed: { type: 'string' }, replicas: { type: 'string' }, edges: { type: 'string' }, clients: { type: 'string' }, publishers: { type: 'string' },
        faults: { type: 'string' }, history: { type: 'string' }, 'self-test': { type: 'boolean' }, list: { type: 'boolean' }, help: { type: 'boolean' },
      },
    });
    if (values.help === true) say(USAGE);
    else if (values.list === true) say(Object.keys(FAULTS).join('\n'));
    else if (values['self-test'] === true) return (await selfTest(say)) ? 0 : 1;
    else return await run(understood(values), say);
    return 0;
  } catch (error) {
    process.stderr.write(`It could not run: ${(error as Error).stack ?? String(error)}\n`);
    return 2;
  }
}

async function run(given: Arguments, say: (line: string) => void): Promise<0 | 1 | 2> {
  const { missing } = availableFaults(given.edges);
  for (const reason of missing) say(`left out  ${reason}`);
  // Where the tools are installed on purpose, a fault that silently never happens would be a check that cannot fail.
  if (missing.length > 0 && process.env.TRIMTAB_CI === '1') throw new Error('This machine is meant to have what every fault needs.');
  const stopping = new AbortController();
  const interrupt = (): void => {
    if (stopping.signal.aborted) process.exit(2);
    say('stopping: healing and checking what there is; once more ends at once');
    stopping.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  say(`seed ${given.seed}, ${given.seconds} s, ${given.replicas} replicas, ${given.edges} edges, ${given.clients} clients, ${given.publishers} publishers`);
  const { history, breaches, outputs } = await runChaos({ ...given, say, stop: stopping.signal });
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  say(reportOf(history, breaches));
  const left = stillOpen();
  if (left.length > 0) say(`left open: ${left.join(', ')}`);
  const file = given.history ?? (breaches.length > 0 ? path.resolve(__dirname, `../../.trimtab/chaos/seed-${given.seed}-${Date.now()}.jsonl`) : undefined);
  if (file !== undefined) {
    mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
    writeFileSync(file, linesOf(history));
    for (const [server, output] of Object.entries(outputs)) writeFileSync(`${file}.${server}.log`, output);
    say(`The whole history is in ${file}, and beside it what the servers have written.`);
  }
  if (breaches.length === 0) return 0;
  const { seconds, seed, replicas, edges, clients, publishers, faults } = given;
  say(`Again: npm run chaos -- --seconds ${seconds} --seed ${seed} --replicas ${replicas} --edges ${edges} --clients ${clients} --publishers ${publishers}${faults === undefined ? '' : ` --faults ${faults.join(',')}`}`);
  return 1;
}

function understood(values: Readonly<Record<string, string | boolean | undefined>>): Arguments {
  const whole = (name: string, byDefault: number, [low, high]: readonly [number, number]): number => {
    const value = values[name] === undefined ? byDefault : Number(values[name]);
    if (!Number.isInteger(value) || value < low || value > high) throw new Error(`--${name} takes a whole number from ${low} to ${high}.`);
    return value;
  };
  const faults = typeof values.faults === 'string' ? values.faults.split(',').map((name) => name.trim()) : undefined;
  const unknown = faults?.filter((name) => !Object.hasOwn(FAULTS, name)) ?? [];
  if (unknown.length > 0) throw new Error(`--faults: there is no ${unknown.join(', ')}; --list names them all.`);
  return {
    seconds: whole('seconds', 30, [1, 3_600]),
    seed: whole('seed', 1, [0, 2 ** 32 - 1]),
    replicas: whole('replicas', 3, [1, 8]),
    edges: whole('edges', natsAvailable() ? 1 : 0, [0, 8]),
    clients: whole('clients', 12, [4, 100]),
    publishers: whole('publishers', 3, [1, 10]),
    ...(faults === undefined ? {} : { faults: faults as FaultKind[] }),
    ...(typeof values.history === 'string' ? { history: values.history } : {}),
  };
}
