import type { Condition, LayerSet } from '../access/layer-set';
import type { LayerName } from '../kernel/names';
import { layerKey } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import type { Instance, InstanceState } from './instance';
import { outcomeOf, type Outcome } from './outcome';

/** A target with the ETag of its newest snapshot, if that is known. */
export interface TargetEtag extends LayerName {
  readonly etag: string | undefined;
}

/** Those of some targets for whom a revision has one of these outcomes. */
export interface OutcomeFilter {
  readonly revision: Revision;
  readonly outcomes: readonly Outcome[];
  readonly targets: readonly TargetEtag[];
}

/** Which instances a list holds. Every member that is there has to fit. */
export interface InstanceFilter {
  /** Of these targets. Absent: of all, for whoever has seen to it otherwise. */
  readonly viewed?: LayerSet;
  readonly service?: string;
  readonly environments?: readonly string[];
  /** Stands at this revision: runs it, or presented it when it connected. */
  readonly revision?: Revision;
  readonly state?: InstanceState;
  readonly labels?: readonly (readonly [name: string, value: string])[];
  readonly outcome?: OutcomeFilter;
}

/** The filter as a function, for the instances in memory. */
export function matcherOf({ viewed, service, environments, revision, state, labels = [], outcome }: InstanceFilter): (instance: Instance) => boolean {
  const within = environments && new Set(environments);
  const etags = outcome && new Map(outcome.targets.map((target) => [layerKey(target), target.etag]));
  return (instance) =>
    (service === undefined || instance.service === service) &&
    (within === undefined || within.has(instance.environment)) &&
    (revision === undefined || standsAt(instance) === revision) &&
    (state === undefined || instance.state === state) &&
    (viewed === undefined || viewed.has(instance)) &&
    labels.every(([name, value]) => Object.hasOwn(instance.info.labels ?? {}, name) && instance.info.labels?.[name] === value) &&
    (outcome === undefined || etags === undefined || hasOutcome(instance, outcome, etags));
}

function hasOutcome(instance: Instance, { revision, outcomes }: OutcomeFilter, etags: ReadonlyMap<string, string | undefined>): boolean {
  const key = layerKey(instance);
  return etags.has(key) && outcomes.includes(outcomeOf(instance, revision, etags.get(key)));
}

function standsAt({ state, appliedRevision, revision }: Instance): Revision | undefined {
  return state === 'refused' ? appliedRevision : revision;
}

/** The same filter as a condition on rows `i` of `instance`; a spec holds the two equal. */
export function conditionOf({ viewed, service, environments, revision, state, labels = [], outcome }: InstanceFilter, first: number): Condition {
  const values: unknown[] = [];
  const parts: string[] = [];
  const value = (one: unknown): string => `$${first - 1 + values.push(one)}`;
  if (viewed !== undefined) {
    const condition = viewed.condition({ service: 'i.service', environment: 'i.environment' }, first);
    parts.push(condition.sql);
    values.push(...condition.values);
  }
  if (service !== undefined) parts.push(`i.service = ${value(service)}`);
  if (environments !== undefined) parts.push(`i.environment = ANY(${value(environments)}::text[])`);
  if (revision !== undefined) parts.push(`CASE i.state WHEN 'refused' THEN i.applied_revision ELSE i.revision END = ${value(revision)}::bigint`);
  if (state !== undefined) parts.push(`i.state = ${value(state)}`);
  for (const [name, wanted] of labels) parts.push(`i.labels @> ${value(JSON.stringify(Object.fromEntries([[name, wanted]])))}::jsonb`);
  if (outcome !== undefined) {
    const { targets, outcomes } = outcome;
    const [services, places, etags] = [targets.map((one) => one.service), targets.map((one) => one.environment), targets.map((one) => one.etag ?? null)];
    const asked = `${value(outcome.revision)}::bigint`;
    parts.push(`EXISTS (
      SELECT FROM unnest(${value(services)}::text[], ${value(places)}::text[], ${value(etags)}::text[]) AS t (service, environment, etag)
       WHERE t.service = i.service AND t.environment = i.environment
         AND CASE WHEN i.applied_revision >= ${asked} THEN 'taken'
                  WHEN i.state = 'refused' AND (i.etag = t.etag OR i.revision >= ${asked}) THEN 'refused'
                  WHEN i.state = 'refused' THEN 'pending'
                  WHEN i.etag = t.etag THEN 'taken'
                  WHEN i.transport = 'sse' OR (i.transport = 'long-poll' AND i.etag IS NULL) THEN 'silent'
                  ELSE 'pending' END = ANY(${value(outcomes)}::text[]))`);
  }
  return { sql: parts.length === 0 ? 'true' : parts.join(' AND '), values };
}
