import { Injectable } from '@nestjs/common';
import { parsePointer } from '../documents/pointer';
import type { LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import { DataKeys } from '../secrets/data-keys';
import { leafAt } from '../secrets/sealed-leaves';
import { Unsealer } from '../secrets/unsealer';
import type { Snapshot } from './snapshot';
import { SnapshotStore, type SnapshotListener } from './snapshot-store';

/** A target, and in which of its two variants it is wanted: as it is stored, or with what is sealed in clear text. */
export interface ReadTarget extends LayerName {
  /** Only for those who may be shown secrets. Whoever does not say so gets the stored one. */
  readonly clear?: boolean;
}

interface Opened {
  readonly snapshot: Snapshot;
  /** Something could not be opened: when to try again, by the monotonic clock, and which keys were known. */
  readonly doubt?: { readonly retryAt: number; readonly generation: number };
}

/** A key may be on its way, or a service that opens keys away. */
const RETRY_MS = 5_000;

/**
 * The snapshots as they are handed to readers. A snapshot with sealed values has a second variant, made when it is first
 * asked for and kept as long as the stored one; all others are the very same object in both.
 */
@Injectable()
export class DeliveredSnapshots {
  private readonly opened = new WeakMap<Snapshot, Opened>();
  private readonly opening = new WeakMap<Snapshot, Promise<Snapshot>>();
  /** Grows whenever keys have come or changed. */
  private generation = 0;

  constructor(
    private readonly store: SnapshotStore,
    private readonly unsealer: Unsealer,
    private readonly keys: DataKeys,
  ) {
    keys.onChange(() => {
      this.generation += 1;
    });
  }

  /** The log revision this process has caught up to. */
  get position(): Revision {
    return this.store.position;
  }

  /** The snapshot, if it is at hand and up to date. */
  peek(target: ReadTarget): Snapshot | undefined {
    const snapshot = this.store.peek(target);
    return target.clear !== true || snapshot?.sealed === undefined ? snapshot : this.known(snapshot);
  }

  /** @throws DomainError `service_not_found`, `environment_not_found` */
  async get(target: ReadTarget): Promise<Snapshot> {
    return this.variant(await this.store.get(target), target);
  }

  /** The snapshot as it was right after a revision. @throws DomainError `revision_not_found` as well */
  async getAsOf(target: ReadTarget, revision: Revision): Promise<Snapshot> {
    return this.variant(await this.store.getAsOf(target, revision), target);
  }

  /** Where every key comes from: for people, so that what is sealed stays so for everybody. */
  explain(target: LayerName): Promise<unknown> {
    return this.store.explain(target);
  }

  /** Catches up at least to `revision`, if there is such a revision. */
  reach(revision: Revision): Promise<void> {
    return this.store.reach(revision);
  }

  /** Subscribes first and reads afterwards: a change in between is told, perhaps before this resolves. */
  async watch(target: ReadTarget, onChange: SnapshotListener): Promise<{ snapshot: Snapshot; stop(): void }> {
    if (target.clear !== true) return this.store.watch(target, onChange);
    let newest: Snapshot | undefined;
    const tell = (next: Snapshot): void => {
      newest = next;
      if (next.sealed === undefined) return onChange(next);
      void this.variant(next, target).then((clear) => {
        if (newest === next) onChange(clear);
      });
    };
    const watching = await this.store.watch(target, tell);
    const stopHearing = this.keys.onChange(() => {
      if (newest?.sealed !== undefined) tell(newest);
    });
    const stop = (): void => {
      newest = undefined;
      stopHearing();
      watching.stop();
    };
    newest ??= watching.snapshot;
    return { snapshot: await this.variant(watching.snapshot, target), stop };
  }

  private async variant(snapshot: Snapshot, { clear }: ReadTarget): Promise<Snapshot> {
    if (clear !== true || snapshot.sealed === undefined) return snapshot;
    const known = this.known(snapshot) ?? this.opening.get(snapshot);
    if (known !== undefined) return known;
    const opening = this.open(snapshot).finally(() => this.opening.delete(snapshot));
    this.opening.set(snapshot, opening);
    return opening;
  }

  private known(snapshot: Snapshot): Snapshot | undefined {
    const opened = this.opened.get(snapshot);
    if (opened?.doubt === undefined) return opened?.snapshot;
    const { retryAt, generation } = opened.doubt;
    return generation === this.generation && performance.now() < retryAt ? opened.snapshot : undefined;
  }

  private async open(stored: Snapshot): Promise<Snapshot> {
    const { sealed = [], documents } = stored;
    const values = sealed.map(({ document, path, ...layer }) => {
      const content = documents[document]!;
      return { text: ('value' in content ? leafAt(content.value, parsePointer(path)) : '') as string, layer };
    });
    const { generation } = this;
    const { results, salt } = await this.unsealer.openSalted(values, stored);
    const snapshot = stored.opened(results, salt);
    this.opened.set(stored, snapshot.notes.unreadable === undefined ? { snapshot } : { snapshot, doubt: { retryAt: performance.now() + RETRY_MS, generation } });
    return snapshot;
  }
}
