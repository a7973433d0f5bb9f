import { type Breach, faultsAround, PROMISES } from './checkers';
import type { ClientHistory, RunHistory } from './history';
import { longestBehind } from './longest-behind';

const SHOWN_BREACHES = 5;
const SHOWN_EVENTS = 8;

/** What people read at the end. */
export function reportOf(history: RunHistory, breaches: readonly Breach[]): string {
  return [...summary(history), '', ...verdicts(breaches), ...breaches.slice(0, SHOWN_BREACHES).flatMap((breach) => ['', ...shown(breach, history)])].join('\n');
}

function summary(history: RunHistory): string[] {
  const { publishes, log, reads, clients, faults } = history;
  const count = (outcome: string): number => publishes.filter((publish) => publish.outcome === outcome).length;
  const kinds = new Map<string, number>();
  for (const { kind } of faults) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const events = (type: string): number => clients.reduce((sum, client) => sum + client.events.filter((event) => event.type === type).length, 0);
  const behind = clients.map((client) => ({ name: client.name, ms: longestBehind(client, history) })).sort((one, other) => other.ms - one.ms)[0];
  return [
    '',
    `publishes   ${count('acknowledged')} acknowledged, ${count('refused')} refused, ${count('unknown')} without an answer`,
    `log         ${log.length} revisions`,
    `clients     ${clients.length}: ${events('applied')} applied, ${events('noted')} noted, ${events('lost')} connections lost, ${events('restored')} starts from disk`,
    ...clients.map(clientLine),
    `reads       ${reads.length}, of ${new Set(reads.map(({ server }) => server)).size} server processes`,
    `faults      ${faults.length}: ${[...kinds].map(([kind, times]) => `${kind} ${times}`).join(', ')}`,
    `behind      ${behind === undefined ? 'nobody' : `at most ${(behind.ms / 1_000).toFixed(2)} s while connected (${behind.name})`}`,
  ];
}

function clientLine({ name, target, events }: ClientHistory): string {
  const of = (type: string): number => events.filter((event) => event.type === type).length;
  return `  ${name.padEnd(12)}${target.padEnd(24)}${of('applied')} applied, ${of('connected')} connects`;
}

function verdicts(breaches: readonly Breach[]): string[] {
  return PROMISES.map((promise) => {
    const found = breaches.filter((breach) => breach.promise === promise).length;
    return `${found === 0 ? 'kept  ' : 'BROKEN'}  ${promise}${found === 0 ? '' : ` (${found} times)`}`;
  });
}

function shown({ promise, subject, detail, evidence }: Breach, { faults }: RunHistory): string[] {
  return [
    `${promise}: ${subject} ${detail}`,
    ...faultsAround(evidence, faults).map(({ kind, what, from, to }) => `  during ${kind} of ${what}, ${from.toFixed(0)} to ${to.toFixed(0)} ms`),
    ...evidence.slice(-SHOWN_EVENTS).map((event) => `  ${JSON.stringify(event)}`),
  ];
}
