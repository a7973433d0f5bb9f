import type { ClientHistory, RunHistory } from './history';
import { LogModel } from './log-model';

/**
 * The longest that a client did not have what had been acknowledged, counted only while it was connected: from the
 * acknowledgement, or from its connection if that came later.
 */
export function longestBehind({ target, events }: ClientHistory, { log, publishes }: RunHistory): number {
  const touching = new Set(new LogModel(log).published(target).map(({ revision }) => revision));
  const due = publishes
    .flatMap(({ revision, outcome, at }) => (outcome === 'acknowledged' && revision !== undefined && touching.has(revision) ? [{ revision, at }] : []))
    .sort((one, other) => one.at - other.at);
  let longest = 0;
  let held = 0;
  let connectedAt: number | undefined;
  let next = 0;
  let waitingSince: number | undefined;
  for (const event of events) {
    for (; next < due.length && due[next]!.at <= event.at; next += 1) {
      if (due[next]!.revision > held && connectedAt !== undefined) waitingSince ??= due[next]!.at;
    }
    if (event.type === 'lost') {
      connectedAt = undefined;
      waitingSince = undefined;
    } else if (event.type === 'connected') {
      connectedAt = event.at;
      waitingSince = undefined;
    } else if ('revision' in event) {
      connectedAt ??= event.at;
      if (waitingSince !== undefined) longest = Math.max(longest, event.at - waitingSince);
      held = event.revision;
      waitingSince = undefined;
    }
  }
  return longest;
}
