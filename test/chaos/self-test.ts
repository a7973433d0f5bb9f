import path from 'node:path';
import type { PromiseName } from './checkers';
import { type ChaosOptions, runChaos } from './run-chaos';

/** A server, or a Postgres, that is broken on purpose, and the promise that has to be found broken. */
export interface Mutant {
  readonly name: string;
  readonly breaks: readonly PromiseName[];
  readonly options: ChaosOptions;
}

const ROOT = path.resolve(__dirname, '../..');
const SMALL = { replicas: 2, clients: 4, publishers: 2, settleMs: 4_000 };

/** How to run the server with a fault of test/support/mutations.cjs in it. */
function mutated(mutation: string): Pick<ChaosOptions, 'command'> {
  const command = ['env', `TRIMTAB_MUTATION=${mutation}`, process.execPath, '--require', path.join(__dirname, 'mutant.cjs'), path.join(ROOT, 'dist/main.js')];
  return { command };
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a listener that keeps what it hears to itself',
    breaks: ['reliable', 'equal'],
    options: { ...SMALL, ...mutated('a listener that keeps what it hears to itself'), seed: 1, seconds: 2, faults: ['clients-cut'] },
  },
  {
    name: 'a head that is read before the log has reached the client',
    breaks: ['ordered'],
    options: {
      ...SMALL, ...mutated('a head that is read before the log has reached the client'), clients: 12, seed: 1, seconds: 12,
      faults: ['database-silence', 'client-moves'],
    },
  },
  {
    name: 'a publisher that takes note of only one layer of what it published',
    breaks: ['atomic'],
    options: { ...SMALL, ...mutated('a publisher that takes note of only one layer of what it published'), seed: 1, seconds: 4, faults: ['clients-cut'] },
  },
  {
    name: 'a Postgres that answers before it has written',
    breaks: ['durable'],
    options: { ...SMALL, postgres: { synchronous_commit: 'off', wal_writer_delay: '10s' }, seed: 1, seconds: 6, faults: ['postgres-quit'] },
  },
];

/** Some faults have to meet at a moment, and the moments are the machine's: this many seeds are tried. */
const ATTEMPTS = 3;

/** Whether a run against this mutant finds the promise broken. */
export async function isNoticed({ options, breaks }: Mutant): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const { breaches } = await runChaos({ ...options, seed: options.seed + attempt });
    if (breaches.some(({ promise }) => breaks.includes(promise))) return true;
  }
  return false;
}

/** Runs against every mutant; whether all of them were noticed. */
export async function selfTest(say: (line: string) => void): Promise<boolean> {
  let all = true;
  for (const mutant of MUTANTS) {
    const noticed = await isNoticed(mutant);
    say(`${noticed ? 'noticed' : 'MISSED '}  ${mutant.breaks.join(' or ')}: ${mutant.name}`);
    all &&= noticed;
  }
  return all;
}
