import type { StandardSchemaV1 } from '@standard-schema/spec';
import { AppliedSnapshot, documentValue, type Candidate } from './applied-snapshot.js';
import { ApplyQueue } from './apply-queue.js';
import { messageOf } from './errors.js';
import type { Logger } from './logger.js';
import type { Documents, UnreadableValue } from './protocol.js';
import { reconcile } from './reconcile.js';
import { refusalOf } from './refusal.js';
import { Resources } from './resources.js';
import type { ResourceHandle, ResourceHooks } from './resource.js';
import { RestartOnly } from './restart-only.js';
import { redactAll, secretsOf, type Secrets } from './secrets.js';
import type { Refusal, RefusalStage } from './status.js';
import { validate, type Validation } from './validate.js';

/** What became of a candidate. `known` is in use already, `old` is lower than what is, `superseded` made way for a newer one. */
export type Outcome =
  | { readonly state: 'applied'; readonly previous: AppliedSnapshot | undefined; readonly next: AppliedSnapshot; readonly waiting: readonly string[] }
  | { readonly state: 'refused'; readonly refusal: Refusal }
  | { readonly state: 'known' | 'old' | 'superseded' };

export interface ApplierOptions {
  readonly mainName: string;
  readonly schema: StandardSchemaV1 | undefined;
  readonly restartOnly: readonly string[];
  readonly applyTimeoutMs: number;
  readonly logger: Logger;
}

const NOTHING = Object.freeze({});

/**
 * From a verified candidate to the snapshot in use: share and freeze → validate → prepare resources → one reference
 * swap. A failure at any step leaves everything as it was. Synchronous unless the schema or a resource is not.
 */
export class Applier {
  readonly #options: ApplierOptions;
  readonly #onSwap: (previous: AppliedSnapshot | undefined, next: AppliedSnapshot) => void;
  readonly #queue: ApplyQueue<Candidate, Outcome>;
  readonly #resources: Resources;
  readonly #restartOnly: RestartOnly;
  #applied: AppliedSnapshot | undefined;
  #closed = false;

  /** `onSwap` is called in the same breath as the swap, before anyone else can look. */
  constructor(options: ApplierOptions, onSwap: (previous: AppliedSnapshot | undefined, next: AppliedSnapshot) => void) {
    this.#options = options;
    this.#onSwap = onSwap;
    this.#queue = new ApplyQueue((candidate) => this.#apply(candidate), { state: 'superseded' });
    this.#resources = new Resources(options.applyTimeoutMs, options.logger);
    this.#restartOnly = new RestartOnly(options.restartOnly);
  }

  /** The snapshot in use. */
  get applied(): AppliedSnapshot | undefined {
    return this.#applied;
  }

  /** Applies the candidate, after whatever is being applied now and unless a newer one comes first. */
  submit(candidate: Candidate, settle: (outcome: Outcome) => void): void {
    this.#queue.submit(candidate, settle);
  }

  /** Applies the candidate in its turn, whatever else arrives. */
  offer(candidate: Candidate): Promise<Outcome> {
    return this.#queue.exclusive(async () => (this.#closed ? { state: 'superseded' } : this.#apply(candidate)));
  }

  /** Takes note that the server has confirmed what is in use. */
  confirm(revision: number, layers?: Candidate['layers']): void {
    const applied = this.#applied;
    if (applied === undefined || (applied.source === 'server' && applied.revision >= revision)) return;
    this.#swap(applied.confirmedAs(Math.max(revision, applied.revision), layers ?? applied.layers));
  }

  /** Adds a resource, prepared for the snapshot in use. */
  resource(path: string, hooks: ResourceHooks<unknown, unknown>, snapshot: () => AppliedSnapshot): Promise<ResourceHandle<unknown>> {
    return this.#queue.exclusive(async () => this.#resources.add(path, hooks, snapshot()));
  }

  /** Resolves when nothing is being applied. */
  settled(): Promise<void> {
    return this.#queue.exclusive(async () => undefined);
  }

  /** Applies nothing more and disposes of the resources. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#queue.close();
    await this.#resources.close();
  }

  #apply(candidate: Candidate): Outcome | Promise<Outcome> {
    const failed = (error: unknown) => this.#refused(candidate, 'validate', messageOf(error));
    try {
      const outcome = this.#share(candidate);
      return outcome instanceof Promise ? outcome.catch(failed) : outcome;
    } catch (error) {
      return failed(error);
    }
  }

  #share(candidate: Candidate): Outcome | Promise<Outcome> {
    const previous = this.#applied;
    if (previous !== undefined && candidate.etag === previous.etag) return { state: 'known' };
    if (previous !== undefined && candidate.revision < previous.revision) return { state: 'old' };
    const documents = reconcile(previous?.documents, candidate.documents, true) as Documents;
    // A service without this document yet, or with an empty one, has an empty config.
    const raw = documentValue(documents, this.#options.mainName) ?? NOTHING;
    const { unreadable = [] } = candidate.notes ?? {};
    // With a sealed text in the place of a password nothing would work, and some of it not loudly.
    if (unreadable.length > 0) return refused(candidate, 'unseal', unsealReason(unreadable));
    const validation = validate(this.#options.schema, raw, this.#secretsOf(candidate));
    if (!(validation instanceof Promise)) return this.#prepare(candidate, documents, raw, validation);
    return this.#inTime(validation).then((result) => this.#prepare(candidate, documents, raw, result));
  }

  #prepare(candidate: Candidate, documents: Documents, raw: unknown, validation: Validation): Outcome | Promise<Outcome> {
    if (this.#closed) return { state: 'superseded' };
    if (!validation.ok) return this.#refused(candidate, 'validate', validation.reason);
    const previous = this.#applied;
    const { value, waiting } = this.#restartOnly.hold(validation.value);
    // Without a schema the value is part of the documents, which are shared and frozen already.
    const main = value === raw ? raw : reconcile(previous?.main, value, false);
    const { revision, etag, source, layers, notes } = candidate;
    const next = new AppliedSnapshot(revision, etag, source, layers, documents, this.#options.mainName, main, notes);
    const preparation = previous && this.#resources.prepare(previous, next);
    if (preparation === undefined) return this.#commit(next, waiting);
    return preparation.then((prepared) => {
      if (!prepared.ok) return this.#refused(candidate, 'prepare', prepared.reason);
      const outcome = this.#commit(next, waiting, prepared.commit);
      if (outcome.state !== 'applied') prepared.discard();
      return outcome;
    });
  }

  #commit(next: AppliedSnapshot, waiting: readonly string[], commitResources?: () => void): Outcome {
    if (this.#closed) return { state: 'superseded' };
    const previous = this.#applied;
    // While this was being prepared the server may have gone back to what is in use, under a higher revision.
    if (previous !== undefined && next.revision < previous.revision) return { state: 'old' };
    this.#restartOnly.start(next.main);
    this.#swap(next);
    commitResources?.();
    return { state: 'applied', previous, next, waiting };
  }

  #swap(next: AppliedSnapshot): void {
    const previous = this.#applied;
    this.#applied = next;
    this.#onSwap(previous, next);
  }

  // What is said leaves the process: to its log, and to the server.
  #refused(candidate: Candidate, stage: RefusalStage, reason: string): Outcome {
    const previous = this.#applied;
    return refused(candidate, stage, redactAll(reason, [this.#secretsOf(candidate), ...(previous ? [this.#secretsOf(previous)] : [])]));
  }

  #secretsOf({ documents, notes }: Pick<Candidate, 'documents' | 'notes'>): Secrets {
    return secretsOf(documents, notes, this.#options.mainName);
  }

  async #inTime(validation: Promise<Validation>): Promise<Validation> {
    const { applyTimeoutMs } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Validation>((resolve) => {
      const reason = `the schema did not answer within ${applyTimeoutMs} ms`;
      timer = setTimeout(() => resolve({ ok: false, reason }), applyTimeoutMs).unref();
    });
    return Promise.race([validation, late]).finally(() => clearTimeout(timer));
  }
}

function refused(candidate: Candidate, stage: RefusalStage, reason: string): Outcome {
  return { state: 'refused', refusal: refusalOf(candidate, stage, reason) };
}

const SHOWN_SECRETS = 5;

function unsealReason(unreadable: readonly UnreadableValue[]): string {
  const shown = unreadable.slice(0, SHOWN_SECRETS).map(({ document, path, reason }) => `${document} ${path} (${reason})`);
  const more = unreadable.length - shown.length;
  return `the server cannot give these secrets in clear text: ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
