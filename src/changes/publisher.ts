import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { recordAudits } from '../audit/record-audit';
import { DomainError } from '../kernel/domain-error';
import type { Actor } from '../kernel/actor';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { ContentStore } from '../releases/content-store';
import { HeadIndex } from '../releases/head-index';
import type { LayerView } from '../releases/layer-release';
import { ReleaseLog, type Appended, type Proposal, type Published } from '../releases/release-log';
import { ReleaseReader } from '../releases/release-reader';
import type { RevisionKind } from '../releases/revision.entity';
import type { Change } from './change.entity';
import { markPublished, recordPublishedChanges } from './change-recorder';
import type { EntryEdit } from './entry-edit';
import { ImpactAssessor, type Assessment } from './impact';
import type { ConfigImpact, ImpactTotals } from './impact-listing';
import { ProposedLayersBuilder, type ProposedLayers } from './proposed-layers';

/** Something to publish. */
export interface PublishRequest {
  readonly kind: RevisionKind;
  readonly message: string;
  readonly actor: Actor;
  /**
   * The edits, given the present heads. Asked again whenever a head it was checked against has moved, so a caller that
   * computes them (an edit by key, a rollback) computes them from what it will really replace.
   */
  edits(head: LayerView): Promise<readonly EntryEdit[]>;
  /** The open change this publishes. Without one it is recorded as a change of its own. */
  readonly draft?: Change;
}

export interface PublishedLayer extends LayerName {
  readonly version: number;
}

export interface PublishResult {
  /** The revision that was made. Absent on a dry run, and when the heads already are as asked. */
  readonly revision?: Revision;
  readonly layers: readonly PublishedLayer[];
  readonly impact: readonly ConfigImpact[];
  /** Exact totals, where `impact` does not list every config that changes. */
  readonly truncated?: ImpactTotals | undefined;
}

/** A request as it would be published now. */
interface Checked {
  readonly proposal: Proposal<Payload>;
  readonly assessment: Assessment;
}

/** A proposal that is voided more often is checked while this process commits nothing else … */
const ROUNDS_BESIDE_OTHERS = 2;
/** … as soon as so few configs are left to be looked at that the others can wait for it. */
const FEW_CONFIGS = 500;

/** Checks and publishes: outside any lock first, and again only if something it read has moved meanwhile. */
@Injectable()
export class Publisher {
  constructor(
    private readonly dataSource: DataSource,
    private readonly heads: HeadIndex,
    private readonly reader: ReleaseReader,
    private readonly proposals: ProposedLayersBuilder,
    private readonly assessor: ImpactAssessor,
    private readonly log: ReleaseLog,
    private readonly contents: ContentStore,
  ) {}

  /** Everything {@link publish} would answer, and nothing written. */
  async dryRun(request: PublishRequest): Promise<PublishResult> {
    const proposed = await this.proposals.build(await request.edits(this.reader.head));
    const { impact, truncated } = await this.assessor.assess(proposed);
    return { layers: layersOf(proposed), impact, truncated };
  }

  async publish(request: PublishRequest): Promise<PublishResult> {
    const earlier = await this.earlierPublish(request.actor);
    if (earlier) return earlier;
    const askedAt = performance.now();
    let last: Checked | undefined;
    // Every round means that somebody else has published. A round takes over what the one before has found, so they get
    // shorter, and when little is left the next is made while this process commits nothing else. So a proposal on which
    // thousands of configs depend is neither starved by small ones nor do these wait for it.
    for (let round = 1; ; round += 1) {
      const alone = round > ROUNDS_BESIDE_OTHERS && last!.assessment.found <= FEW_CONFIGS;
      const { checked, appended } = await this.attempt(() => this.check(request, askedAt, last?.assessment), alone);
      if (!checked || !appended) return { layers: [], impact: [] };
      last = checked;
      if (appended === 'moved') continue;
      const { assessment, proposal } = checked;
      for (const { newSources } of proposal.releases) for (const [hash, source] of newSources) this.contents.remember(hash, source);
      const { impact, truncated } = assessment;
      return { revision: appended.revision, layers: proposal.payload.layers, impact, truncated };
    }
  }

  private async attempt(check: () => Promise<Checked | undefined>, alone: boolean): Promise<{ checked?: Checked | undefined; appended?: Appended | 'moved' | undefined }> {
    if (!alone) {
      const checked = await check();
      return { checked, appended: checked && (await this.log.append(checked.proposal)) };
    }
    let checked: Checked | undefined;
    const appended = await this.log.appendAlone(async () => {
      checked = await check();
      return checked?.proposal;
    });
    return { checked, appended };
  }

  /** `undefined` when every layer already is as asked. */
  private async check(request: PublishRequest, askedAt: number, earlier: Assessment | undefined): Promise<Checked | undefined> {
    const basis = this.heads.position;
    const edits = await request.edits(this.reader.head);
    const proposed = await this.proposals.build(edits);
    if (proposed.releases.length === 0) return undefined;
    const assessment = await this.assessor.assess(proposed, earlier);
    const layers = layersOf(proposed);
    const reads = new Set(assessment.reads);
    for (const layer of layers) reads.add(layerKey(layer));
    const { kind, message, actor, draft } = request;
    const payload = { draft, edits, layers };
    const checkedAt = performance.now();
    const proposal = { kind, message, actor, askedAt, checkedAt, basis, reads, releases: proposed.releases, record: recordPublished, payload };
    return { proposal, assessment };
  }

  /** A retry of a publish that was committed but whose answer was lost finds its revision by its claim. */
  async earlierPublish({ claimId }: Actor): Promise<PublishResult | undefined> {
    if (claimId === undefined) return undefined;
    const rows = await this.dataSource.query<
      { revision: string; service: string; environment: string; version: number }[]
    >(
      `SELECT r.id AS revision, s.name AS service, e.name AS environment, release.version
         FROM revision r
         JOIN release ON release.revision = r.id
         JOIN layer l ON l.id = release.layer_id
         JOIN service s ON s.id = l.service_id
         JOIN environment e ON e.id = l.environment_id
        WHERE r.claim_id = $1`,
      [claimId],
    );
    if (rows.length === 0) return undefined;
    const revision = Number(rows[0]!.revision);
    await this.heads.reach(revision);
    return { revision, layers: rows.map(({ service, environment, version }) => ({ service, environment, version })), impact: [] };
  }
}

interface Payload {
  readonly draft: Change | undefined;
  readonly edits: readonly EntryEdit[];
  readonly layers: readonly PublishedLayer[];
}

/** Writes what a commit publishes into the changes and the audit, with as few statements as there can be. */
async function recordPublished(manager: EntityManager, published: readonly Published<Payload>[]): Promise<void> {
  const own = published.filter(({ proposal }) => proposal.payload.draft === undefined);
  if (own.length > 0) {
    await recordPublishedChanges(
      manager,
      own.map(({ proposal, revision }) => ({
        kind: proposal.kind,
        title: proposal.message,
        author: proposal.actor,
        revision,
        edits: proposal.payload.edits,
      })),
    );
  }
  for (const { proposal, revision } of published) {
    if (proposal.payload.draft) await markPublished(manager, proposal.payload.draft, revision);
  }
  await recordAudits(
    manager,
    published.map(({ proposal: { actor, kind, message, payload }, revision }) => ({
      actor,
      action: 'change.publish',
      subject: { kind, message, layers: payload.layers },
      revision,
    })),
  );
}

function layersOf({ releases }: ProposedLayers): PublishedLayer[] {
  return releases.map(({ layer, version }) => ({ ...layer, version }));
}

/** For callers to whom publishing nothing is a mistake. */
export function requireRevision(result: PublishResult): PublishResult {
  if (result.revision !== undefined) return result;
  throw new DomainError('nothing_to_publish', 'Every layer already is as this change would make it. Discard the change, or edit it.');
}
