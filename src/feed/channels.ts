import { layerKey } from '../kernel/names';
import type { ReadTarget } from '../snapshots/delivered-snapshots';
import { Channel, type ChannelLog } from './channel';
import type { SnapshotSource } from './snapshot-source';

/** How long a channel nobody follows stays warm, so that clients that come back find their delta. */
const LINGER_MS = 30_000;

interface Entry {
  readonly opened: Promise<Channel>;
  channel?: Channel;
  stop?: () => void;
}

/** The channels that are followed, one for each target in each variant somebody follows, opened by the first who asks. */
export class Channels {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly source: SnapshotSource,
    private readonly log: ChannelLog,
    private readonly onChange: (channel: Channel) => void,
  ) {}

  async open(target: ReadTarget): Promise<Channel> {
    const key = target.clear === true ? `${layerKey(target)} clear` : layerKey(target);
    const known = this.entries.get(key);
    if (known !== undefined) return known.channel ?? known.opened;
    const entry: Entry = { opened: Promise.resolve().then(() => this.watch(target, entry)) };
    this.entries.set(key, entry);
    try {
      return await entry.opened;
    } catch (error) {
      if (this.entries.get(key) === entry) this.entries.delete(key);
      throw error;
    }
  }

  *[Symbol.iterator](): IterableIterator<Channel> {
    for (const { channel } of this.entries.values()) if (channel !== undefined) yield channel;
  }

  /** Lets go of the channels that nobody has followed for a while. */
  prune(): void {
    const longAgo = this.log.now() - LINGER_MS;
    for (const [key, { channel, stop }] of this.entries) {
      if (channel?.emptySince === undefined || channel.emptySince > longAgo) continue;
      this.entries.delete(key);
      stop?.();
    }
  }

  close(): void {
    for (const { stop } of this.entries.values()) stop?.();
    this.entries.clear();
  }

  /** A change that is told while the channel is being opened is not lost: whoever enters reads the head once more. */
  private async watch(target: ReadTarget, entry: Entry): Promise<Channel> {
    const { snapshot, stop } = await this.source.watch(target, (next) => {
      if (entry.channel?.advance(next)) this.onChange(entry.channel);
    });
    entry.stop = stop;
    entry.channel = new Channel(target, snapshot, this.log);
    return entry.channel;
  }
}
