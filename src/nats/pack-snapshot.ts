import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import { Snapshot, type SnapshotRecord } from '../snapshots/snapshot';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** A snapshot as it travels. */
export async function packSnapshot(snapshot: Snapshot): Promise<Uint8Array> {
  return compress(JSON.stringify(snapshot.record()), { level: constants.Z_BEST_SPEED });
}

/** @throws Error when it is not what was packed: the ETag is that of its documents, or it is damaged */
export async function unpackSnapshot(packed: Uint8Array): Promise<Snapshot> {
  return Snapshot.restore(JSON.parse((await decompress(packed)).toString()) as SnapshotRecord);
}
