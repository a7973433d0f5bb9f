import { createCipheriv, createDecipheriv, createHash, randomBytes, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { AppliedSnapshot, Candidate } from './applied-snapshot.js';
import { etagOf } from './canonical-json.js';
import { messageOf } from './errors.js';
import type { Logger } from './logger.js';
import type { DiskStatus } from './status.js';

// A temporary file this old belongs to a process that was killed while it wrote.
const ABANDONED_AFTER_MS = 10 * 60_000;
const OTHERS_MAY_WRITE = 0o022;
const OTHERS_MAY_READ = 0o044;
const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** The first line of the file; the second is the snapshot, `bytes` long. */
interface Header {
  readonly trimtab: 1;
  readonly sha256: string;
  readonly bytes: number;
  /** Absent: the second line is the snapshot as it is. */
  readonly cipher?: typeof CIPHER;
}

type Payload = Omit<Candidate, 'source'> & { readonly service: string; readonly environment: string };

/**
 * The last good snapshot on disk, to start from when the server cannot be reached. Written to a temporary file, synced
 * and renamed, so that a reader finds the old one or the new one; mode 0600. With a key it is encrypted (AES-256-GCM); a
 * config that holds secrets is written with a key only.
 *
 * Writing happens off the apply path, one at a time, and of those that wait only the newest. A failure is logged and
 * shown in the status, and never reaches who applied.
 */
export class DiskSnapshot {
  readonly #path: string;
  readonly #target: { readonly service: string; readonly environment: string };
  readonly #logger: Logger;
  readonly #key: Uint8Array | undefined;
  #status: DiskStatus;
  #next: AppliedSnapshot | undefined;
  #writing: Promise<void> | undefined;

  constructor(path: string, target: { readonly service: string; readonly environment: string }, logger: Logger, key?: Uint8Array) {
    this.#key = key;
    this.#path = path;
    this.#target = target;
    this.#logger = logger;
    this.#status = { path };
  }

  get status(): DiskStatus {
    return this.#status;
  }

  /** The snapshot of the file; undefined, with the reason in the status and the log, when there is none to be trusted. */
  async load(): Promise<Candidate | undefined> {
    try {
      return await this.#read();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      this.#failed(`The snapshot on disk (${this.#path}) is not used: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** Has the snapshot written soon. */
  save(snapshot: AppliedSnapshot): void {
    this.#next = snapshot;
    this.#writing ??= this.#drain().finally(() => (this.#writing = undefined));
  }

  /** Resolves when everything that was to be saved has been, or has failed. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #drain(): Promise<void> {
    // Not in the turn of the event loop that applies.
    await new Promise((resolve) => setImmediate(resolve));
    for (let snapshot = this.#take(); snapshot !== undefined; snapshot = this.#take()) {
      try {
        await this.#write(snapshot);
        this.#status = { path: this.#path, savedRevision: snapshot.revision, savedAt: new Date() };
      } catch (error) {
        this.#failed(`The snapshot could not be saved to ${this.#path}: ${messageOf(error)}`);
      }
    }
  }

  #take(): AppliedSnapshot | undefined {
    const next = this.#next;
    this.#next = undefined;
    return next;
  }

  async #write({ revision, etag, layers, documents, notes }: AppliedSnapshot): Promise<void> {
    const key = this.#key;
    if (key === undefined && notes?.secrets !== undefined) return this.#leaveOut();
    const payload: Payload = { ...this.#target, revision, etag, layers, documents, ...(notes && { notes }) };
    const plain = JSON.stringify(payload);
    const text = key === undefined ? plain : encrypted(plain, key);
    const header: Header = { trimtab: 1, sha256: sha256(text), bytes: Buffer.byteLength(text), ...(key && { cipher: CIPHER }) };
    const folder = dirname(this.#path);
    if (this.#status.savedRevision === undefined) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await this.#sweep(folder);
    }
    const temporary = join(folder, `.${basename(this.#path)}.${randomUUID()}.tmp`);
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writeFile(`${JSON.stringify(header)}\n${text}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await syncFolder(folder);
  }

  // What was written before is no longer the last good config, and starting from it would be a step back.
  async #leaveOut(): Promise<never> {
    await rm(this.#path, { force: true });
    throw new Error('it holds secrets, and no key to encrypt it with was given (the option diskKey, or TRIMTAB_DISK_KEY)');
  }

  async #sweep(folder: string): Promise<void> {
    for (const name of await readdir(folder)) {
      if (!name.startsWith(`.${basename(this.#path)}.`) || !name.endsWith('.tmp')) continue;
      const path = join(folder, name);
      const age = Date.now() - (await stat(path).then((found) => found.mtimeMs, () => Date.now()));
      if (age > ABANDONED_AFTER_MS) await rm(path, { force: true });
    }
  }

  async #read(): Promise<Candidate> {
    const file = await open(this.#path, constants.O_RDONLY);
    try {
      const { mode, uid } = await file.stat();
      if (process.platform !== 'win32') this.#checkAccess(mode, uid);
      return this.#parse(await file.readFile('utf8'));
    } finally {
      await file.close();
    }
  }

  // Whoever can write the file decides how the service is configured.
  #checkAccess(mode: number, uid: number): void {
    const self = process.getuid?.();
    if (uid !== self && uid !== 0) throw new Error(`it belongs to another user (${uid})`);
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    if ((mode & OTHERS_MAY_WRITE) !== 0) throw new Error(`other users may write it (mode ${octal})`);
    if ((mode & OTHERS_MAY_READ) === 0) return;
    this.#logger.warn(`The snapshot on disk (${this.#path}) can be read by other users (mode ${octal}); the next one will not be.`);
  }

  #parse(content: string): Candidate {
    const end = content.indexOf('\n');
    const header = parseJson(content.slice(0, Math.max(end, 0))) as Partial<Header> | null;
    if (header?.trimtab !== 1) throw new Error('it is not a snapshot of this client');
    const text = content.slice(end + 1).replace(/\n$/, '');
    if (Buffer.byteLength(text) !== header.bytes) throw new Error('it is truncated');
    if (sha256(text) !== header.sha256) throw new Error('it is damaged (its checksum differs)');
    const { service, environment, revision, etag, layers, documents, notes } = parseJson(this.#decrypted(text, header)) as Payload;
    const { service: ours, environment: here } = this.#target;
    if (service !== ours || environment !== here) {
      throw new Error(`it is of ${service}@${environment}, not of ${ours}@${here}`);
    }
    if (etagOf(documents, notes?.salt) !== etag) throw new Error('it is damaged (its ETag differs)');
    return { revision, etag, source: 'disk', layers, documents, ...(notes && { notes }) };
  }

  #decrypted(text: string, { cipher }: Partial<Header>): string {
    const key = this.#key;
    if (cipher === undefined) return text;
    if (key === undefined) throw new Error('it is encrypted, and no key was given (the option diskKey, or TRIMTAB_DISK_KEY)');
    return decrypted(text, key);
  }

  #failed(error: string): void {
    if (this.#status.error !== error) this.#logger.warn(error);
    this.#status = { ...this.#status, error };
  }
}

function encrypted(text: string, key: Uint8Array): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv);
  return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64');
}

function decrypted(text: string, key: Uint8Array): string {
  const box = Buffer.from(text, 'base64');
  try {
    const decipher = createDecipheriv(CIPHER, key, box.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(box.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(box.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
  } catch {
    throw new Error('it was encrypted with another key');
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('it is damaged (not JSON)');
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

// Without it a power cut may undo the rename. Some file systems and Windows cannot sync a folder.
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY).catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
