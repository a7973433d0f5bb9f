import { Injectable } from '@nestjs/common';
import type { InstanceCounter } from '../changes/impact';
import type { TransportName } from '../feed/feed-observer';
import { withTimeLimit } from '../kernel/time-limit';
import { layerKey, type LayerName } from '../kernel/names';
import { LeaseKeeper } from '../replicas/lease-keeper';
import { ReplicaTable } from '../replicas/replica-table';
import type { InstanceState } from './instance';
import { InstanceRegistry } from './instance-registry';
import type { Standing } from './outcome';

/** Instances of one target that stand alike. */
export interface Cohort extends LayerName, Standing {
  readonly count: number;
}

type MutableCohort = { -readonly [Key in keyof Cohort]: Cohort[Key] };

interface CohortRow {
  service: string;
  environment: string;
  transport: TransportName;
  state: InstanceState;
  applied_revision: string | null;
  revision: string | null;
  etag: string | null;
  count: string;
}

export interface CensusReading {
  readonly cohorts: readonly Cohort[];
  /** The table could be read, and every living process has written all it has. */
  readonly complete: boolean;
}

/** A publish waits for the number of instances no longer than this; then it takes the last there was. */
const COUNT_WAIT_MS = 200;
const COUNT_MAX_AGE_MS = 1_000;
/** A database that has not answered by then is away. */
const ANSWER_MS = 2_000;
/** Many may ask at once, and thousands may report meanwhile. */
const OWN_MAX_AGE_MS = 20;
const NOBODY: CensusReading = { cohorts: [], complete: false };

/**
 * How many instances of each target stand where, over all processes: the own ones from memory, the others from the
 * table. Rows are counted by the database, so that what is read grows with the places where instances stand and not
 * with their number.
 */
@Injectable()
export class Census implements InstanceCounter {
  private last: { readonly others: CensusReading; readonly at: number } = { others: NOBODY, at: -Infinity };
  private asking: Promise<CensusReading> | undefined;
  private own: { readonly cohorts: readonly Cohort[]; readonly at: number } = { cohorts: [], at: -Infinity };
  private counts: ReadonlyMap<string, number> = new Map();

  constructor(
    private readonly registry: InstanceRegistry,
    private readonly keeper: LeaseKeeper,
    private readonly replicas: ReplicaTable,
  ) {}

  /** `others` are at most `maxAgeMs` old. When the table cannot be read there are none, and it is not complete. */
  async read(maxAgeMs: number): Promise<CensusReading> {
    const { cohorts: others, complete } = await this.others(maxAgeMs);
    const now = performance.now();
    if (now - this.own.at > OWN_MAX_AGE_MS) this.own = { cohorts: cohortsOf(this.registry.targets()), at: now };
    return { cohorts: [...this.own.cohorts, ...others], complete };
  }

  async prepare(): Promise<void> {
    await withTimeLimit(COUNT_WAIT_MS, this.others(COUNT_MAX_AGE_MS), 'Counting instances').catch(() => undefined);
  }

  count(target: LayerName): number {
    return (this.registry.of(target)?.size ?? 0) + (this.counts.get(layerKey(target)) ?? 0);
  }

  /** What the table had of the other processes. */
  private async others(maxAgeMs: number): Promise<CensusReading> {
    if (performance.now() - this.last.at <= maxAgeMs) return this.last.others;
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return withTimeLimit(ANSWER_MS, this.asking, 'Reading the instances').catch(() => NOBODY);
  }

  private async ask(): Promise<CensusReading> {
    const at = performance.now();
    const others = await this.query().catch(() => NOBODY);
    this.last = { others, at };
    if (others !== NOBODY) this.counts = countsOf(others.cohorts);
    return others;
  }

  private async query(): Promise<CensusReading> {
    const { rows, complete } = await this.replicas.readOthers<CohortRow>(this.keeper.identity.id, {
      columns: 'i.service, i.environment, i.transport, i.state, i.applied_revision, i.revision, i.etag, count(*) AS count',
      rest: 'GROUP BY 2, 3, 4, 5, 6, 7, 8',
    });
    return { cohorts: rows.map(cohortOf), complete };
  }
}

function cohortOf({ service, environment, transport, state, applied_revision, revision, etag, count }: CohortRow): Cohort {
  return {
    service,
    environment,
    transport,
    state,
    appliedRevision: applied_revision === null ? undefined : Number(applied_revision),
    revision: revision === null ? undefined : Number(revision),
    etag: etag ?? undefined,
    count: Number(count),
  };
}

function cohortsOf(targets: Iterable<Iterable<LayerName & Standing>>): Cohort[] {
  const cohorts: Cohort[] = [];
  for (const instances of targets) {
    const counted = new Map<string, MutableCohort>();
    let last: MutableCohort | undefined;
    for (const instance of instances) {
      // Most stand where the one before stands: thousands are counted without making a key of each.
      if (last === undefined || !standAlike(last, instance)) {
        const { service, environment, transport, state, appliedRevision, revision, etag } = instance;
        const key = `${state} ${transport} ${appliedRevision} ${revision} ${etag}`;
        last = counted.get(key) ?? { service, environment, transport, state, appliedRevision, revision, etag, count: 0 };
        counted.set(key, last);
      }
      last.count += 1;
    }
    cohorts.push(...counted.values());
  }
  return cohorts;
}

function standAlike(a: Standing, b: Standing): boolean {
  return a.etag === b.etag && a.revision === b.revision && a.appliedRevision === b.appliedRevision && a.state === b.state && a.transport === b.transport;
}

function countsOf(cohorts: readonly Cohort[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const cohort of cohorts) counts.set(layerKey(cohort), (counts.get(layerKey(cohort)) ?? 0) + cohort.count);
  return counts;
}
