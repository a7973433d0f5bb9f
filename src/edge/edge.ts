import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLOCK, type Clock } from '../kernel/clock';
import type { Revision } from '../kernel/revision';
import { Bucket } from '../nats/bucket';
import { BucketWatch } from '../nats/bucket-watch';
import { NatsLink } from '../nats/nats-link';
import { SETTINGS, type Settings } from '../settings/settings';
import { BucketReader } from './bucket-reader';
import { Contents } from './contents';
import { EdgeCredentials } from './edge-credentials';
import { EdgeOrigin } from './edge-origin';
import { RemoteBook } from './remote-book';

/** Starting waits so long for the first reading: longer, and the process starts unready rather than not. */
const FIRST_READING_MS = 2_000;

/** Everything an edge knows, from one watch of the bucket. */
@Injectable()
export class Edge implements OnApplicationBootstrap {
  readonly origin: EdgeOrigin;
  readonly credentials: EdgeCredentials;
  /** Where it is known which process this is, and who is connected to it. */
  readonly book: RemoteBook;
  private readonly link: NatsLink;
  private readonly bucket: Bucket;
  private readonly reader: BucketReader;
  private watch: BucketWatch | undefined;

  constructor(
    @Inject(SETTINGS) { nats }: Settings,
    @Inject(CLOCK) clock: Clock,
  ) {
    this.link = new NatsLink(nats, 'trimtab edge');
    this.bucket = new Bucket(this.link, nats.bucket);
    this.book = new RemoteBook(this.link, nats.bucket);
    this.reader = new BucketReader({ step: (step) => this.origin.take(step), credentials: () => this.credentials.changed() });
    this.origin = new EdgeOrigin(new Contents(this.bucket), () => this.reader);
    this.credentials = new EdgeCredentials(() => this.reader, () => this.origin.ready, clock);
  }

  async onApplicationBootstrap(): Promise<void> {
    this.watch = new BucketWatch(this.link, this.bucket, this.reader);
    const giveUpAt = performance.now() + FIRST_READING_MS;
    while (!this.origin.ready && performance.now() < giveUpAt) await sleep(5);
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

  get position(): Revision {
    return this.origin.position;
  }

  /** Names from the root of the tree to the environment; empty when there is none of that name. */
  lineage(environment: string): readonly string[] {
    const names: string[] = [];
    for (let name: string | null = environment; name !== null; ) {
      const entry = this.reader.environments.get(name);
      if (entry === undefined) return [];
      names.unshift(name);
      name = entry.parent;
    }
    return names;
  }
}
