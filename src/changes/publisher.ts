import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { requireAllowed } from '../access/decide';
import { Catalog } from '../catalog/catalog';
import { DomainError } from '../kernel/domain-error';
import type { Actor } from '../kernel/actor';
import type { Authority } from '../kernel/authority';
import { layerKey } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { ContentStore } from '../releases/content-store';
import { HeadIndex } from '../releases/head-index';
import type { LayerView } from '../releases/layer-release';
import { ReleaseLog, type Appended, type Proposal, type Published } from '../releases/release-log';
import { ReleaseReader } from '../releases/release-reader';
import type { RevisionKind } from '../releases/revision.entity';
import { NO_APPROVALS, type ApprovalNeed } from './approval-need';
import { approvalRequired } from './approval-required';
import type { Change } from './change.entity';
import type { EntryEdit } from './entry-edit';
import { ImpactAssessor, type Assessment } from './impact';
import type { ConfigImpact, ImpactTotals } from './impact-listing';
import { layersIn } from './layers-of';
import { ProposedLayersBuilder, type ProposedLayers } from './proposed-layers';
import { recordPublished, type PublishedLayer, type PublishPayload } from './record-published';
import { requireIncludable } from './require-includable';
import { requireRevealable } from './require-revealable';
import { REVIEW_DESK, type ReviewDesk } from './review-desk';

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
  /** Why it shall be published without the approvals it needs: for whoever may override in every layer it touches. */
  readonly emergency?: string | undefined;
  /** The job that publishes the draft at the time it was scheduled for. */
  readonly job?: string | undefined;
}

export interface PublishResult {
  /** The revision that was made. Absent on a dry run, and when the heads already are as asked. */
  readonly revision?: Revision;
  readonly layers: readonly PublishedLayer[];
  readonly impact: readonly ConfigImpact[];
  /** Exact totals, where `impact` does not list every config that changes. */
  readonly truncated?: ImpactTotals | undefined;
  /** What protected environments ask for because of it. Absent when nothing was published. */
  readonly approvals?: ApprovalNeed;
}

/** A request as it would be published now. */
interface Checked {
  readonly proposal: Proposal<PublishPayload>;
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
    private readonly catalog: Catalog,
    @Inject(REVIEW_DESK) private readonly desk: ReviewDesk,
  ) {}

  /** Everything {@link publish} would answer, and nothing written. */
  async dryRun(request: PublishRequest): Promise<PublishResult> {
    const { authority } = request.actor;
    const proposed = await this.propose(await request.edits(this.reader.head), authority);
    const { impact, truncated, approvals } = await this.assessor.assess(proposed, authority);
    return { layers: layersOf(proposed), impact, truncated, approvals };
  }

  /**
   * What protected environments ask for because of these edits. Where nothing is protected that is told without looking.
   *
   * @throws DomainError whatever publishing them would throw
   */
  async need(edits: readonly EntryEdit[], { authority }: Actor): Promise<ApprovalNeed> {
    if (this.catalog.environments().every(({ requiredApprovals }) => requiredApprovals === null)) return NO_APPROVALS;
    return (await this.assessor.assess(await this.propose(edits, authority), authority)).approvals;
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
      if (appended === 'moved') {
        // Not the log but the environments may have moved, and nobody has told this process yet.
        if (round > 1) await this.catalog.ensureFresh();
        continue;
      }
      const { assessment, proposal } = checked;
      for (const { newSources } of proposal.releases) for (const [hash, source] of newSources) this.contents.remember(hash, source);
      const { impact, truncated, approvals } = assessment;
      return { revision: appended.revision, layers: proposal.payload.layers, impact, truncated, approvals };
    }
  }

  private async propose(edits: readonly EntryEdit[], authority: Authority): Promise<ProposedLayers> {
    await requireIncludable(authority, edits, this.reader.head, this.catalog.knownLineageNames);
    await requireRevealable(authority, edits, this.reader, this.catalog, this.contents);
    return this.proposals.build(edits);
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
    const environments = this.catalog.environmentsState;
    const edits = await request.edits(this.reader.head);
    const proposed = await this.propose(edits, request.actor.authority);
    if (proposed.releases.length === 0) return undefined;
    const assessment = await this.assessor.assess(proposed, request.actor.authority, earlier);
    const layers = layersOf(proposed);
    const reads = new Set(assessment.reads);
    for (const layer of layers) reads.add(layerKey(layer));
    const { kind, message, actor, draft, emergency, job } = request;
    const { approvals: need } = assessment;
    if (emergency !== undefined) requireAllowed(actor.authority, 'override', layersIn(edits));
    else if (!draft && need.needed > 0) throw approvalRequired({ need, have: 0, isChange: false }, actor);
    const payload = { draft, edits, layers, need, job };
    const checkedAt = performance.now();
    const proposal = { kind, message, actor, emergency, askedAt, checkedAt, basis, reads, environments, releases: proposed.releases, record: this.record, payload };
    return { proposal, assessment };
  }

  /** The same function for all, so that what is committed together is recorded together. */
  private readonly record = (manager: EntityManager, published: readonly Published<PublishPayload>[]): Promise<void> =>
    recordPublished(manager, published, this.desk);

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

function layersOf({ releases }: ProposedLayers): PublishedLayer[] {
  return releases.map(({ layer, version }) => ({ ...layer, version }));
}

/** For callers to whom publishing nothing is a mistake. */
export function requireRevision(result: PublishResult): PublishResult {
  if (result.revision !== undefined) return result;
  throw new DomainError('nothing_to_publish', 'Every layer already is as this change would make it. Discard the change, or edit it.');
}
