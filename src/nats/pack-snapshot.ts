import { promisify } from 'node:util';
import { constants, gunzip, gzip, gzipSync } from 'node:zlib';
import { Snapshot, type SnapshotRecord } from '../snapshots/snapshot';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Below this, the way to another thread and back costs more than the work. */
const SMALL = 32 * 1024;
const OPTIONS = { level: constants.Z_BEST_SPEED };

/** A snapshot as it travels. */
export async function packSnapshot(snapshot: Snapshot): Promise<Uint8Array> {
  const text = JSON.stringify(snapshot.record());
  return text.length < SMALL ? gzipSync(text, OPTIONS) : compress(text, OPTIONS);
}

/** @throws Error when it is not what was packed: the ETag is that of its documents, or it is damaged */
export async function unpackSnapshot(packed: Uint8Array): Promise<Snapshot> {
  return Snapshot.restore(JSON.parse((await decompress(packed)).toString()) as SnapshotRecord);
}
