import { Inject, Injectable, Optional } from '@nestjs/common';
import { Catalog } from '../catalog/catalog';
import type { Violation } from '../documents/json-schema';
import type { Authority } from '../kernel/authority';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { Turns } from '../kernel/turns';
import { ContentStore } from '../releases/content-store';
import type { EffectiveDocument } from '../releases/effective-config';
import { HeadIndex } from '../releases/head-index';
import { entryKey, sameEntry } from '../releases/layer-entry';
import { ReleaseReader } from '../releases/release-reader';
import { ApprovalNeeds, type ApprovalNeed } from './approval-need';
import { SealedChecks, type WrittenDocument } from '../secrets/sealed-checks';
import { sealedIn } from '../secrets/sealed-leaves';
import { AffectedConfigs, type AffectedConfig } from './affected-configs';
import { DocumentEffects, isRewritten } from './document-effects';
import { hiddenFault, hidingCycles } from './hidden-faults';
import { ImpactListing, type ConfigImpact, type DocumentImpact, type ImpactTotals } from './impact-listing';
import { sameProposal, type ProposedLayers } from './proposed-layers';

/** Tells how many instances hold a connection for a target, to any replica. Bound by whoever knows the connections. */
export interface InstanceCounter {
  /** Brings the numbers up to date, as far as that is possible within a moment. Never rejects. */
  prepare(): Promise<void>;
  count(target: LayerName): number;
}
export const INSTANCE_COUNTER = Symbol('InstanceCounter');

export interface Assessment {
  /** What an answer lists: everything, or as much as is of use. */
  readonly impact: readonly ConfigImpact[];
  /** Present when more changes than is listed. */
  readonly truncated: ImpactTotals | undefined;
  /** What protected environments ask for because of it. */
  readonly approvals: ApprovalNeed;
  /** Keys of all layers the assessment read: when one of them moves, it has to be made again. */
  readonly reads: ReadonlySet<string>;
  readonly proposed: ProposedLayers;
  /** Position of the log at which all findings hold. */
  readonly basis: Revision;
  /** How many of them had to be found, and were not taken over. */
  readonly found: number;
  /** By the key of the config. */
  readonly findings: ReadonlyMap<string, Finding>;
}

/** What was found about one effective config. */
interface Finding {
  /** Keys of the layers it was found from. */
  readonly dependsOn: ReadonlySet<string>;
  readonly changes: boolean;
  /** Whether clients would get anything else at all, be it only a comment or a format. */
  readonly redelivers: boolean;
  /** Absent where they were not compared key by key. */
  readonly documents: readonly DocumentImpact[] | undefined;
}

interface SchemaViolation extends LayerName, Violation {
  readonly document: string;
  /** The layer the violated schema is attached to. */
  readonly schema: string;
}

/** What is to be checked of a config. */
interface Checks {
  readonly violations: SchemaViolation[];
  /** Whether the schema of this layer is held against it. */
  readonly isAnswered: (schema: LayerName) => boolean;
}

/** A change that breaks thousands of configs is refused with the first of them. */
const MAX_VIOLATIONS = 100;
/** Configs that are read from the database together. */
const CHUNK = 64;

/**
 * What a change would do to every effective config that depends on the layers it touches. A library may have thousands:
 * they are read in chunks, worked on in slices that leave the event loop to others, and what is equal among them is
 * found out once.
 */
@Injectable()
export class ImpactAssessor {
  constructor(
    private readonly catalog: Catalog,
    private readonly heads: HeadIndex,
    private readonly reader: ReleaseReader,
    private readonly contents: ContentStore,
    private readonly sealed: SealedChecks,
    @Optional() @Inject(INSTANCE_COUNTER) private readonly instances?: InstanceCounter,
  ) {}

  /**
   * @param authority Of whoever asks: everything is checked, and what they may view is told.
   * @param earlier An assessment of the same proposal. What it found is taken over unless a layer it was found from has
   * moved since, so that a large proposal need not begin anew whenever others have published.
   * @throws DomainError `schema_violation`, `include_cycle`, `value_not_representable`, `sealed_elsewhere`, `sealed_invalid`
   */
  async assess(proposed: ProposedLayers, authority: Authority, earlier?: Assessment): Promise<Assessment> {
    // Taken first: a layer that moves while it is being looked at counts as moved.
    const basis = this.heads.position;
    await this.refuseForeign(proposed, authority);
    const known = earlier && sameProposal(earlier.proposed, proposed) ? earlier : undefined;
    const affected = new AffectedConfigs(this.catalog, this.reader, proposed);
    const effects = new DocumentEffects(this.contents, proposed.contents, this.sealed);
    const listing = new ImpactListing();
    const findings = new Map<string, Finding>();
    const approvals = new ApprovalNeeds(this.catalog);
    for (const { layer } of proposed.releases) approvals.add(layer);
    const reads = new Set<string>();
    const violations: SchemaViolation[] = [];
    let found = 0;
    await this.instances?.prepare();
    const turns = new Turns();
    for (const chunk of chunksOf(this.dependents(proposed))) {
      const unknown = chunk.filter((target) => !this.stillHolds(known, target));
      const configs = await hidingCycles(authority, affected.read(unknown, turns));
      found += configs.length;
      await effects.preload(configs.flatMap(({ documents }) => documents));
      for (const config of configs) {
        const checked = this.catalog.isArchived(config.target.service) ? undefined : violations;
        const isViewed = authority.allows('view', config.target);
        findings.set(layerKey(config.target), await find(config, effects, listing.isOpen && isViewed, checked && { violations: checked, isAnswered: (schema) => isViewed || !authority.allows('view', schema) }).catch((error: unknown) => refuseFaulty(error, isViewed)));
        if (violations.length >= MAX_VIOLATIONS) refuse(violations, authority);
        if (turns.isDue) await turns.next();
      }
      for (const target of chunk) {
        const key = layerKey(target);
        const finding = findings.get(key) ?? known!.findings.get(key)!;
        findings.set(key, finding);
        for (const read of finding.dependsOn) reads.add(read);
        if (finding.redelivers) approvals.add(target);
        if (!finding.changes || this.catalog.isArchived(target.service)) continue;
        if (authority.allows('view', target)) listing.add(target, this.instances?.count(target) ?? 0, finding.documents);
      }
      if (turns.isDue) await turns.next();
    }
    refuse(violations, authority);
    return { impact: listing.configs, truncated: listing.truncated, approvals: approvals.need, reads, proposed, basis, found, findings };
  }

  /** Archived services as well: nothing of theirs is checked or listed, but what is protected of them stays so for their readers. */
  private dependents(proposed: ProposedLayers): LayerName[] {
    const targets = new Map<string, LayerName>();
    for (const { layer } of proposed.releases) {
      for (const service of this.heads.dependentServices([layer.service])) {
        for (const { name: environment } of this.catalog.descendants(layer.environment)) {
          const target = { service, environment };
          targets.set(layerKey(target), target);
        }
      }
    }
    return [...targets.values()];
  }

  private async refuseForeign({ releases, contents }: ProposedLayers, authority: Authority): Promise<void> {
    const heads = await this.reader.head.releases(releases.map(({ layer }) => layer));
    const written: WrittenDocument[] = [];
    const known = new Set<string>();
    for (const [index, { layer, entries }] of releases.entries()) {
      const documents = [...entries.values()].filter(({ kind, name }) => kind === 'document' && !sameEntry(entries.get(entryKey({ kind, name })), heads[index]?.entries.get(entryKey({ kind, name }))));
      const parsed = await this.contents.parsed(documents, contents);
      const sealed = documents.flatMap(({ name }, at) => (sealedIn(parsed[at]!).length > 0 ? [{ layer, name, document: parsed[at]! }] : []));
      if (sealed.length === 0) continue;
      written.push(...sealed);
      const published = [...(heads[index]?.entries.values() ?? [])].filter(({ kind }) => kind === 'document');
      for (const document of await this.contents.parsed(published)) for (const { text } of sealedIn(document)) known.add(text);
    }
    if (written.length > 0) await this.sealed.refuseForeign(written, known, authority);
  }

  private stillHolds(earlier: Assessment | undefined, target: LayerName): boolean {
    const finding = earlier?.findings.get(layerKey(target));
    if (!earlier || !finding) return false;
    for (const key of finding.dependsOn) if (this.heads.revisionOf(key) > earlier.basis) return false;
    return true;
  }
}

async function find({ target, documents, dependsOn }: AffectedConfig, effects: DocumentEffects, keyByKey: boolean, checks: Checks | undefined): Promise<Finding> {
  const impact: DocumentImpact[] = [];
  let changes = false;
  let redelivers = false;
  for (const { name, was, becomes } of documents) {
    if (becomes && checks) checks.violations.push(...(await check(target, answerable(becomes, checks), effects)));
    const effect = await effects.effect(was, becomes, keyByKey);
    redelivers ||= effect.differs || isRewritten(was, becomes);
    if (!effect.differs) continue;
    changes = true;
    impact.push({ name, changes: effect.changes ?? [] });
  }
  return { changes, redelivers, documents: keyByKey ? impact : undefined, dependsOn };
}

/** A schema is a question, and being refused is its answer: none is asked of a config outside by whoever may have written it. */
function answerable(document: EffectiveDocument, { isAnswered }: Checks): EffectiveDocument {
  return document.schema === undefined || isAnswered(document.schema.release.layer) ? document : { ...document, schema: undefined };
}

async function check(target: LayerName, document: EffectiveDocument, effects: DocumentEffects): Promise<SchemaViolation[]> {
  try {
    const found = await effects.check(document);
    return found.map((violation) => ({ ...target, document: document.name, schema: layerKey(document.schema!.release.layer), ...violation }));
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'value_not_representable') throw error;
    const { format } = document.parts.at(-1)!.entry.type;
    throw new DomainError(error.code, `${layerKey(target)} document ${document.name}, merged as ${format}: ${error.message}`, {
      extra: { ...target, document: document.name },
      cause: error,
    });
  }
}

function refuseFaulty(error: unknown, isViewed: boolean): never {
  throw error instanceof DomainError && !isViewed ? hiddenFault(error.code) : error;
}

function refuse(all: readonly SchemaViolation[], authority: Authority): void {
  if (all.length === 0) return;
  const violations = all.filter((violation) => authority.allows('view', violation));
  if (violations.length === 0) throw hiddenFault('schema_violation');
  const { service, environment, document, path, message } = violations[0]!;
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more, see violations)` : '';
  throw new DomainError(
    'schema_violation',
    `${service}@${environment} document ${document} at "${path}": ${message}${more}. Nothing was published.`,
    { pointer: path, extra: { violations: violations.slice(0, MAX_VIOLATIONS) } },
  );
}

function* chunksOf<T>(items: readonly T[]): Iterable<readonly T[]> {
  for (let from = 0; from < items.length; from += CHUNK) yield items.slice(from, from + CHUNK);
}
