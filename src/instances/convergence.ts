import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import type { Authority } from '../kernel/authority';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { revisionNotFound } from '../releases/history';
import { SETTINGS, type Settings } from '../settings/settings';
import { AffectedTargets } from './affected-targets';
import { Census, type Cohort } from './census';
import { InstanceRegistry } from './instance-registry';
import type { TargetEtag } from './instance-filter';
import { outcomeOf, OUTCOMES, type Outcome } from './outcome';

export type OutcomeCounts = Readonly<Record<Outcome, number>>;

/** How far a revision has come. */
export interface Progress {
  readonly revision: Revision;
  /** Layers that it touched. */
  readonly layers: readonly LayerName[];
  /** False when instances may be missing: another process has yet to write its own, or the table cannot be read. */
  readonly complete: boolean;
  readonly counts: OutcomeCounts;
  /** Targets that the revision reached and that have instances, each with its part of the counts. */
  readonly targets: readonly (TargetEtag & { readonly counts: OutcomeCounts })[];
}

/** The least time between two looks at the same revision, however many report meanwhile. */
const GAP_MS = 25;
/** How old what is known of the other processes may be for somebody who does not wait. */
const FRESH_MS = 100;
/** Snapshots that one look resolves at most; what it does not get to is for the next look. */
const RESOLVED_PER_LOOK = 200;

/**
 * Who has taken a revision. Waiters are woken by what the own instances report, and by a timer for what the other
 * processes write; all who wait for one revision share each look.
 */
@Injectable()
export class Convergence implements BeforeApplicationShutdown {
  private readonly looks = new Map<Revision, Promise<Progress>>();
  private readonly waiting = new Set<() => void>();
  private readonly pollMs: number;
  private state: 'open' | 'closed' = 'open';
  private readonly stopHearing: () => void;

  constructor(
    private readonly census: Census,
    private readonly affected: AffectedTargets,
    registry: InstanceRegistry,
    @Inject(SETTINGS) { instances }: Settings,
  ) {
    this.pollMs = instances.flushIntervalMs;
    this.stopHearing = registry.onChange(() => this.wake());
  }

  /** Those who wait are answered with what is known. */
  beforeApplicationShutdown(): void {
    this.state = 'closed';
    this.stopHearing();
    this.wake();
  }

  /**
   * How far the revision has come among the instances the reader may view.
   *
   * @throws DomainError `revision_not_found`, also when it touched nothing that the reader may view
   */
  async now(authority: Authority, revision: Revision): Promise<Progress> {
    return viewedBy(authority, await this.look(revision, FRESH_MS));
  }

  /** The same, as soon as everybody has answered, or when time is up, `signal` says so, or the process ends. */
  async wait(authority: Authority, revision: Revision, waitMs: number, signal: AbortSignal): Promise<Progress> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const progress = viewedBy(authority, await this.look(revision, Math.min(FRESH_MS, this.pollMs)));
      const left = deadline - performance.now();
      if (isSettled(progress) || left <= 0 || signal.aborted || this.state === 'closed') return progress;
      await this.pause(Math.min(GAP_MS, left), signal, false);
      await this.pause(Math.min(this.pollMs - GAP_MS, deadline - performance.now()), signal, true);
    }
  }

  private wake(): void {
    for (const resume of this.waiting) resume();
  }

  /** Ends early when the caller or the process does, and, if it may be woken, when an instance has changed. */
  private pause(ms: number, signal: AbortSignal, wakeable: boolean): Promise<void> {
    if (ms <= 0 || signal.aborted || this.state === 'closed') return Promise.resolve();
    return new Promise((resolve) => {
      const resume = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', resume);
        this.waiting.delete(resume);
        resolve();
      };
      const timer = setTimeout(resume, ms);
      signal.addEventListener('abort', resume, { once: true });
      if (wakeable) this.waiting.add(resume);
    });
  }

  private look(revision: Revision, maxAgeMs: number): Promise<Progress> {
    const known = this.looks.get(revision);
    if (known !== undefined) return known;
    const look = this.assess(revision, maxAgeMs).finally(() => this.looks.delete(revision));
    this.looks.set(revision, look);
    return look;
  }

  private async assess(revision: Revision, maxAgeMs: number): Promise<Progress> {
    const layers = await this.affected.layersOf(revision);
    const keys = layers.map(layerKey);
    const { cohorts, complete } = await this.census.read(maxAgeMs);
    const targets: Progress['targets'][number][] = [];
    let toResolve = RESOLVED_PER_LOOK;
    for (const peers of byTarget(cohorts).values()) {
      const target: LayerName = { service: peers[0]!.service, environment: peers[0]!.environment };
      if (!(await this.affected.dependsOn(target, keys))) continue;
      let etag = this.affected.knownEtag(target);
      const isOpen = peers.some((cohort) => !['taken', 'refused'].includes(outcomeOf(cohort, revision, undefined)));
      if (etag === undefined && isOpen && toResolve-- > 0) etag = await this.affected.etagOf(target);
      targets.push({ ...target, etag, counts: countsOf(peers, revision, etag) });
    }
    return { revision, layers, complete, counts: sumOf(targets), targets };
  }
}

/** Looks are shared by all who ask: what each may see of one is taken out of it afterwards. */
function viewedBy(authority: Authority, progress: Progress): Progress {
  if (authority.allowsEverywhere('view')) return progress;
  const { revision, layers } = progress;
  if (!layers.some((layer) => authority.allows('view', layer))) throw revisionNotFound(revision);
  const targets = progress.targets.filter((target) => authority.allows('view', target));
  return { ...progress, targets, counts: sumOf(targets) };
}

/** Everybody who could answer has. */
export function isSettled({ complete, counts }: Progress): boolean {
  return complete && counts.pending === 0;
}

function byTarget(cohorts: readonly Cohort[]): Map<string, Cohort[]> {
  const targets = new Map<string, Cohort[]>();
  for (const cohort of cohorts) {
    const key = layerKey(cohort);
    const peers = targets.get(key);
    if (peers === undefined) targets.set(key, [cohort]);
    else peers.push(cohort);
  }
  return targets;
}

function countsOf(cohorts: readonly Cohort[], revision: Revision, etag: string | undefined): OutcomeCounts {
  const counts = { taken: 0, refused: 0, pending: 0, silent: 0 };
  for (const cohort of cohorts) counts[outcomeOf(cohort, revision, etag)] += cohort.count;
  return counts;
}

function sumOf(targets: Progress['targets']): OutcomeCounts {
  const sum = { taken: 0, refused: 0, pending: 0, silent: 0 };
  for (const { counts } of targets) for (const outcome of OUTCOMES) sum[outcome] += counts[outcome];
  return sum;
}
