import { randomUUID } from 'node:crypto';
import type { CredentialStore } from '../access/credential-store';
import type { Catalog } from '../catalog/catalog';
import type { InstanceWriter } from '../instances/instance';
import { DomainError } from '../kernel/domain-error';
import type { Revision } from '../kernel/revision';
import type { Bucket } from '../nats/bucket';
import { BucketWatch } from '../nats/bucket-watch';
import { GENERATION_KEY, parseKey } from '../nats/entries';
import type { NatsLink } from '../nats/nats-link';
import type { LogListener } from '../notify/log-listener';
import type { HeadIndex } from '../releases/head-index';
import type { LeaseBook } from '../replicas/lease-book';
import type { DataKeyStore } from '../secrets/data-key-store';
import type { SnapshotStore } from '../snapshots/snapshot-store';
import { BucketContents } from './bucket-contents';
import { BucketWriter } from './bucket-writer';
import { CatalogSync } from './catalog-sync';
import { CredentialSync } from './credential-sync';
import { DataKeySync } from './data-key-sync';
import { SnapshotSync } from './snapshot-sync';
import { TargetFinder } from './target-finder';
import { Worker } from './worker';

/** What is distributed, and where from. */
export interface Sources {
  readonly heads: HeadIndex;
  readonly snapshots: SnapshotStore;
  readonly catalog: Catalog;
  readonly credentials: CredentialStore;
  readonly dataKeys: DataKeyStore;
  readonly log: LogListener;
  /** Where replicas write down who lives and who is connected. */
  readonly leases: LeaseBook;
  readonly instances: InstanceWriter;
}

/**
 * One term of this process as the distributor: from taking the lock until it is lost. What moves here is written to the
 * bucket; what arrives in the bucket is compared with what is known here, whoever wrote it.
 */
export class Distribution {
  private readonly contents: BucketContents;
  private readonly watch: BucketWatch;
  private readonly snapshotWorker: Worker;
  private readonly credentialWorker: Worker;
  private readonly dataKeyWorker: Worker;
  private readonly writer: BucketWriter;
  private readonly snapshotSync: SnapshotSync;
  private readonly stops: (() => void)[];
  /** The bucket has lost its end, and its readers have not been told yet. */
  private renew = false;

  constructor(
    { heads, snapshots, catalog, credentials, dataKeys, log }: Sources,
    link: NatsLink,
    { bucket, replicas }: { readonly bucket: Bucket; readonly replicas: number },
    lost: AbortSignal,
    onFailure: (what: string, error: unknown, attempt: number) => void,
  ) {
    this.contents = new BucketContents({
      loaded: (rolledBack) => this.begin(rolledBack),
      writtenByAnother: (key) => this.writtenByAnother(key),
    });
    this.writer = new BucketWriter(bucket, this.contents, lost);
    const catalogSync = new CatalogSync(catalog, this.contents, this.writer);
    this.snapshotSync = new SnapshotSync(heads, snapshots, new TargetFinder(catalog, heads), catalogSync, this.contents, this.writer);
    const credentialSync = new CredentialSync(credentials, this.contents, this.writer);
    const dataKeySync = new DataKeySync(dataKeys, this.contents, this.writer);
    this.snapshotWorker = new Worker(() => this.afterOpening(heads, () => this.distribute()), (error, attempt) => onFailure('Snapshots', error, attempt));
    this.credentialWorker = new Worker(() => this.afterOpening(heads, () => credentialSync.run()), (error, attempt) => onFailure('Client keys', error, attempt));
    this.dataKeyWorker = new Worker(() => this.afterOpening(heads, () => dataKeySync.run()), (error, attempt) => onFailure('Data keys', error, attempt));
    this.stops = [
      heads.onMove((moves) => {
        this.snapshotSync.note(moves.map(({ layer }) => layer));
        this.snapshotWorker.wake();
      }),
      credentials.onChange(() => Promise.resolve(this.credentialWorker.wake())),
      dataKeys.onChange(() => Promise.resolve(this.dataKeyWorker.wake())),
      log.subscribe(async () => {
        await catalog.ensureFresh();
        this.snapshotWorker.wake();
      }),
    ];
    this.watch = new BucketWatch(link, bucket, this.contents, () => bucket.ensure(replicas));
  }

  /** The position that edges can have; undefined as long as the bucket could not be read. */
  get position(): Revision | undefined {
    return this.contents.position?.revision;
  }

  async stop(): Promise<void> {
    for (const stop of this.stops) stop();
    await Promise.all([this.watch.stop(), this.snapshotWorker.stop(), this.credentialWorker.stop(), this.dataKeyWorker.stop()]);
  }

  /** What a process has from its disk copy may be old: only what Postgres says is distributed. */
  private async afterOpening(heads: HeadIndex, work: () => Promise<void>): Promise<void> {
    if (heads.following !== undefined || heads.regression !== undefined) return await work();
    throw new DomainError('unavailable', 'The log has not been read yet.');
  }

  private begin(rolledBack: boolean): void {
    this.renew ||= rolledBack;
    this.snapshotSync.compareAll();
    this.snapshotWorker.hurry();
    this.credentialWorker.hurry();
    this.dataKeyWorker.hurry();
  }

  /** Readers that did not see how the bucket lost its end must not go on where they were: said before anything is written. */
  private async distribute(): Promise<void> {
    if (this.contents.loaded && (this.renew || !this.contents.hasGeneration)) {
      await this.writer.put(GENERATION_KEY, { id: randomUUID() });
      this.renew = false;
    }
    await this.snapshotSync.run();
  }

  /** Another process, which did not know yet that it no longer distributes, may have written something too old. */
  private writtenByAnother(key: string): void {
    const { kind } = parseKey(key);
    if (kind === 'credential') this.credentialWorker.wake();
    else if (kind === 'data-key') this.dataKeyWorker.wake();
    else this.begin(false);
  }
}
