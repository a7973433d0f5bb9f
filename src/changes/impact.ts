import { Inject, Injectable, Optional } from '@nestjs/common';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Catalog } from '../catalog/catalog';
import { diffValues, type KeyChange } from '../documents/diff-values';
import { compileSchema, type Violation } from '../documents/json-schema';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import { ContentStore } from '../releases/content-store';
import {
  contentOf,
  resolveEffective,
  sameDocument,
  type EffectiveConfig,
  type EffectiveContent,
  type EffectiveDocument,
} from '../releases/effective-config';
import { HeadIndex } from '../releases/head-index';
import { ReleaseReader } from '../releases/release-reader';
import type { ProposedLayers } from './proposed-layers';

/** Tells how many instances hold a connection for a target. Bound by whoever knows the connections. */
export interface InstanceCounter {
  count(target: LayerName): number;
}
export const INSTANCE_COUNTER = Symbol('InstanceCounter');

export interface DocumentImpact {
  readonly name: string;
  readonly changes: readonly KeyChange[];
}

/** What one effective config would become. */
export interface ConfigImpact extends LayerName {
  /** Instances connected to this replica right now that would receive it. */
  readonly instances: number;
  readonly documents: readonly DocumentImpact[];
}

export interface Assessment {
  readonly impact: readonly ConfigImpact[];
  /** Keys of all layers the assessment read: when one of them moves, it has to be made again. */
  readonly reads: ReadonlySet<string>;
}

interface SchemaViolation extends LayerName, Violation {
  readonly document: string;
  /** The layer the violated schema is attached to. */
  readonly schema: string;
}

/** A change that breaks thousands of configs is refused with the first of them. */
const MAX_VIOLATIONS = 100;
/** Longest stretch of work before other requests get a turn. */
const TURN_MS = 10;

/** What a change would do to every effective config that depends on the layers it touches. */
@Injectable()
export class ImpactAssessor {
  constructor(
    private readonly catalog: Catalog,
    private readonly heads: HeadIndex,
    private readonly reader: ReleaseReader,
    private readonly contents: ContentStore,
    @Optional() @Inject(INSTANCE_COUNTER) private readonly instances?: InstanceCounter,
  ) {}

  /** @throws DomainError `schema_violation`, `include_cycle`, `value_not_representable` */
  async assess(proposed: ProposedLayers): Promise<Assessment> {
    const impact: ConfigImpact[] = [];
    const violations: SchemaViolation[] = [];
    const reads = new Set<string>();
    let turn = performance.now();
    for (const target of this.dependents(proposed)) {
      const { config, dependsOn } = await this.assessTarget(target, proposed, violations);
      for (const key of dependsOn) reads.add(key);
      if (config) impact.push(config);
      if (violations.length >= MAX_VIOLATIONS) break;
      if (performance.now() - turn > TURN_MS) {
        await nextTurn();
        turn = performance.now();
      }
    }
    refuse(violations);
    return { impact, reads };
  }

  private dependents(proposed: ProposedLayers): LayerName[] {
    const targets = new Map<string, LayerName>();
    for (const { layer } of proposed.releases) {
      for (const service of this.heads.dependentServices([layer.service])) {
        if (this.catalog.isArchived(service)) continue;
        for (const { name: environment } of this.catalog.descendants(layer.environment)) {
          const target = { service, environment };
          targets.set(layerKey(target), target);
        }
      }
    }
    return [...targets.values()];
  }

  private async assessTarget(
    target: LayerName,
    proposed: ProposedLayers,
    violations: SchemaViolation[],
  ): Promise<{ config: ConfigImpact | undefined; dependsOn: Iterable<string> }> {
    const lineage = this.catalog.lineage(target.environment).map(({ name }) => name);
    const asOf = this.reader.asOf.bind(this.reader);
    const before = await resolveEffective(target, lineage, { head: this.reader.head, asOf });
    const after = await resolveEffective(target, lineage, { head: proposed.view, asOf });
    const documents: DocumentImpact[] = [];
    for (const name of namesOf(before, after)) {
      const was = before.documents.get(name);
      const becomes = after.documents.get(name);
      if (sameDocument(was, becomes)) continue;
      const next = becomes && (await contentOf(becomes, this.contents, proposed.contents));
      if (becomes && next) violations.push(...(await this.check(target, becomes, next, proposed)));
      const previous = was && (await contentOf(was, this.contents));
      const changes = diffValues(previous?.value, next?.value);
      if (changes.length > 0) documents.push({ name, changes });
    }
    const dependsOn = new Set([...before.dependsOn, ...after.dependsOn]);
    if (documents.length === 0) return { config: undefined, dependsOn };
    return { config: { ...target, instances: this.instances?.count(target) ?? 0, documents }, dependsOn };
  }

  private async check(
    target: LayerName,
    document: EffectiveDocument,
    content: EffectiveContent,
    proposed: ProposedLayers,
  ): Promise<SchemaViolation[]> {
    refuseUnwritable(target, document, content);
    if (!document.schema) return [];
    const { entry, release } = document.schema;
    const source = (await proposed.contents.sources([entry.hash])).get(entry.hash)!;
    const found = compileSchema(source)(content.value);
    return found.map((violation) => ({ ...target, document: document.name, schema: layerKey(release.layer), ...violation }));
  }
}

/** A merged document is delivered in the format of its strongest layer, which may not be able to say what a weaker one says. */
function refuseUnwritable(target: LayerName, document: EffectiveDocument, content: EffectiveContent): void {
  if (document.parts.length === 1) return;
  try {
    content.source();
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw new DomainError(error.code, `${layerKey(target)} document ${document.name}, merged as ${content.format}: ${error.message}`, {
      extra: { ...target, document: document.name },
      cause: error,
    });
  }
}

function refuse(violations: readonly SchemaViolation[]): void {
  if (violations.length === 0) return;
  const { service, environment, document, path, message } = violations[0]!;
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more, see violations)` : '';
  throw new DomainError(
    'schema_violation',
    `${service}@${environment} document ${document} at "${path}": ${message}${more}. Nothing was published.`,
    { pointer: path, extra: { violations: violations.slice(0, MAX_VIOLATIONS) } },
  );
}

function namesOf(before: EffectiveConfig, after: EffectiveConfig): Set<string> {
  return new Set([...before.documents.keys(), ...after.documents.keys()]);
}
