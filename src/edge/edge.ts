import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { DiskCopy } from '../copy/disk-copy';
import { CLOCK, type Clock } from '../kernel/clock';
import { Bucket } from '../nats/bucket';
import { BucketWatch } from '../nats/bucket-watch';
import { NatsLink } from '../nats/nats-link';
import { SETTINGS, type Settings } from '../settings/settings';
import { BucketReader, type Facts } from './bucket-reader';
import { Contents } from './contents';
import { factsOf } from './copied-facts';
import { EdgeCredentials } from './edge-credentials';
import { EdgeDataKeys } from './edge-data-keys';
import { EdgeOrigin } from './edge-origin';
import { RemoteBook } from './remote-book';

/** Starting waits so long for the first reading: longer, and the process starts unready rather than not. */
const FIRST_READING_MS = 2_000;

/** Everything an edge knows, from one watch of the bucket. */
@Injectable()
export class Edge implements OnApplicationBootstrap {
  readonly origin: EdgeOrigin;
  readonly credentials: EdgeCredentials;
  readonly dataKeys = new EdgeDataKeys(() => this.facts);
  /** Where it is known which process this is, and who is connected to it. */
  readonly book: RemoteBook;
  /** What the disk copy has to be of, to be of use here. */
  readonly log: string;
  private readonly link: NatsLink;
  private readonly bucket: Bucket;
  private readonly reader: BucketReader;
  private watch: BucketWatch | undefined;

  constructor(
    @Inject(SETTINGS) { nats }: Settings,
    @Inject(CLOCK) clock: Clock,
    copy: DiskCopy,
  ) {
    this.link = new NatsLink(nats, 'trimtab edge');
    this.bucket = new Bucket(this.link, nats.bucket);
    this.book = new RemoteBook(this.link, nats.bucket);
    this.log = `nats:${nats.bucket}`;
    const kept = copy.state?.log === this.log ? copy.state : undefined;
    this.reader = new BucketReader({ step: (step) => this.origin.take(step), credentials: () => this.credentials.changed(), dataKeys: () => this.dataKeys.changed() }, kept && factsOf(kept));
    this.origin = new EdgeOrigin(new Contents(this.bucket), () => this.facts, copy);
    this.credentials = new EdgeCredentials(() => this.facts, () => this.origin.ready, clock);
    if (kept === undefined) copy.disown();
    else this.origin.begin(kept.position);
  }

  async onApplicationBootstrap(): Promise<void> {
    this.credentials.changed();
    this.watch = new BucketWatch(this.link, this.bucket, this.reader);
    const giveUpAt = performance.now() + FIRST_READING_MS;
    while (!this.origin.followed && performance.now() < giveUpAt) await sleep(5);
  }

  /** After everybody who needs it. */
  async close(): Promise<void> {
    await this.link.close();
    await this.watch?.stop();
    await this.origin.stop();
  }

  get connected(): boolean {
    return this.link.connected;
  }

  /** Whether what is written to the bucket is seen here at once. */
  get following(): boolean {
    return this.watch?.live === true;
  }

  /** Environments, services and client keys. */
  get facts(): Facts {
    return this.reader.facts;
  }

  /** Names from the root of the tree to the environment; empty when there is none of that name. */
  lineage(environment: string): readonly string[] {
    const names: string[] = [];
    for (let name: string | null = environment; name !== null; ) {
      const entry = this.facts.environments.get(name);
      if (entry === undefined) return [];
      names.unshift(name);
      name = entry.parent;
    }
    return names;
  }
}
