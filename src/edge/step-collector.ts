import type { LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import type { PositionEntry, SnapshotEntry } from '../nats/entries';

/** Where the newest snapshot of a target is. */
export interface Pointer extends SnapshotEntry {
  readonly target: LayerName;
  /** Of the message in the bucket. */
  readonly sequence: number;
}

/** Pointers that hold together as of one position. */
export interface Step {
  readonly pointers: ReadonlyMap<string, Pointer>;
  readonly position: Revision;
}

/**
 * Puts what arrives from the bucket together to steps. A position says that everything up to it was written before it,
 * but not that everything was seen: of a key that was written often, old versions are gone, and a reader that was away
 * or is slow meets only the newest. Seeing the newest is enough, but not before it: until then the position is not the
 * reader's. So a position counts when as many snapshots were seen since the one before as were written, or when nothing
 * was waiting behind it. The next one that counts covers those that did not.
 */
export class StepCollector {
  private pointers = new Map<string, Pointer>();
  private seen = 0;
  /** The position up to which everything was seen; `undefined` when that is not known. */
  private whole: Revision | undefined;

  pointer(key: string, pointer: Pointer): void {
    this.pointers.set(key, pointer);
    this.seen += 1;
  }

  /** The step that this position completes, if it does. */
  position({ revision, from, snapshots }: PositionEntry, newest: boolean): Step | undefined {
    const sawAll = this.whole !== undefined && this.whole === from && this.seen === snapshots;
    this.seen = 0;
    if (!sawAll && !(newest && this.hasNothingAfter(revision))) {
      this.whole = undefined;
      return undefined;
    }
    this.whole = revision;
    const { pointers } = this;
    this.pointers = new Map();
    return { pointers, position: revision };
  }

  /** Begins anew with what a whole reading has brought. */
  restart(pointers: ReadonlyMap<string, Pointer>): void {
    this.pointers = new Map(pointers);
    this.seen = 0;
    this.whole = undefined;
  }

  private hasNothingAfter(revision: Revision): boolean {
    for (const pointer of this.pointers.values()) if (pointer.revision > revision) return false;
    return true;
  }
}
