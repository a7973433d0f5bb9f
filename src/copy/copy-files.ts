import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';

const STATE = 'state';
const SNAPSHOT = /^[0-9a-f]{64}$/;
const DRAFT = /^draft-/;

/** Content that is not what was written. */
export class DamagedFile extends Error {}

/**
 * The files of a copy. A snapshot is named by the SHA-256 of its bytes and never changes; the state, which lists the
 * snapshots it counts on, begins with its own. So the state's rename is the one moment in which the copy moves on, and
 * whatever is not as it was written is noticed when it is read.
 */
export class CopyFiles {
  constructor(readonly folder: string) {}

  prepare(): void {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
  }

  /** Undefined when there is none. @throws DamagedFile */
  readState(): string | undefined {
    const bytes = readIfThere(path.join(this.folder, STATE));
    if (bytes === undefined) return undefined;
    const newline = bytes.indexOf('\n');
    const body = bytes.subarray(newline + 1);
    if (newline < 0 || bytes.toString('latin1', 0, newline) !== sha256(body)) throw new DamagedFile('The state of the copy is damaged.');
    return body.toString('utf8');
  }

  /** @throws DamagedFile also when it is missing: the state counts on it */
  readSnapshot(file: string): string {
    const bytes = readIfThere(path.join(this.folder, file));
    if (bytes === undefined || sha256(bytes) !== file) throw new DamagedFile(`The file ${file} of the copy is damaged.`);
    return bytes.toString('utf8');
  }

  /** Returns its name and its size. */
  async writeSnapshot(text: string): Promise<{ file: string; bytes: number }> {
    const content = Buffer.from(text, 'utf8');
    const file = sha256(content);
    await this.write(file, content);
    return { file, bytes: content.length };
  }

  /** The snapshots it lists have been written before; their names are durable before the state is. */
  async writeState(text: string): Promise<void> {
    this.syncFolder();
    const body = Buffer.from(text, 'utf8');
    await this.write(STATE, Buffer.concat([Buffer.from(`${sha256(body)}\n`), body]));
    this.syncFolder();
  }

  /** Removes snapshots that no state counts on, and what a killed process has left half written. */
  async sweep(isListed: (file: string) => boolean): Promise<void> {
    for (const file of await readdir(this.folder)) {
      if (DRAFT.test(file) || (SNAPSHOT.test(file) && !isListed(file))) await rm(path.join(this.folder, file), { force: true });
    }
  }

  private async write(file: string, content: Buffer): Promise<void> {
    const draft = path.join(this.folder, `draft-${randomBytes(8).toString('hex')}`);
    try {
      const handle = await open(draft, 'wx', 0o600);
      try {
        await handle.writeFile(content);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, path.join(this.folder, file));
    } catch (error) {
      await rm(draft, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  private syncFolder(): void {
    const descriptor = openSync(this.folder, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
