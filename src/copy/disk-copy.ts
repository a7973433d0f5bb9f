import { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { layerKey, type LayerName } from '../kernel/names';
import type { Revision } from '../kernel/revision';
import type { CapturedSnapshot, Capture, CopiedSnapshot, CopiedState, CopySource } from './copied';
import { CopyFiles, DamagedFile } from './copy-files';
import { FolderLock } from './folder-lock';

export interface DiskCopyOptions {
  /** Made with mode 0700 when it does not exist. Without one nothing is kept, and there is nothing to find. */
  readonly folder: string | undefined;
  /** Of all snapshots together. */
  readonly maxBytes: number;
  /** Shortest time between two writes. */
  readonly intervalMs?: number;
}

export interface CopyStatus {
  /** `none`: not wanted. `taken`: another process uses the folder. */
  readonly state: 'none' | 'taken' | 'kept';
  /** Of what is on disk; 0 when nothing is. */
  readonly position: Revision;
  readonly snapshots: number;
  /** How long there has been something that is not on disk; 0 when everything is. */
  readonly behindMs: number;
  /** Code of the failure that keeps it from being written. */
  readonly error: string | undefined;
}

/** A snapshot file, as the state lists it. */
interface Listed {
  readonly file: string;
  readonly bytes: number;
  readonly revision: Revision;
  readonly etag: string;
  readonly dependsOn: readonly string[];
}

const FORMAT = 1;
const INTERVAL_MS = 1_000;
const MAX_ENTRIES = 10_000;
/** While the log moves all the time there may always be something stale: what is fresh is written then. */
const PATIENCE = 5;

/**
 * What a process knows, on its own disk: the snapshots of its clients, and what is needed to serve them when the process
 * starts while its origin (Postgres, or NATS) is away. It knows neither: it is given a {@link CopySource} to follow and
 * is asked for what it has.
 *
 * Written in the background, at most about once a second, and only what has changed: first the new snapshots, then the
 * state, which is what makes them count. A failure to write is told once and never disturbs anybody.
 */
export class DiskCopy {
  private readonly logger = new Logger(DiskCopy.name);
  private readonly files: CopyFiles | undefined;
  private lock: FolderLock | undefined;
  private copied: CopiedState | undefined;
  /** By key of the target, longest unused first. */
  private entries = new Map<string, Listed>();
  private source: CopySource | undefined;
  private unfollow: () => void = () => undefined;
  private writing: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  private dirtySince: number | undefined;
  /** The same of what is being written. */
  private writingSince: number | undefined;
  private failure: string | undefined;
  private readonly damaged = new Set<string>();

  constructor(private readonly options: DiskCopyOptions) {
    if (options.folder === undefined) return;
    this.files = new CopyFiles(options.folder);
    this.open(this.files);
  }

  /** What was known when the copy was last written; undefined when there is nothing that can be used. */
  get state(): CopiedState | undefined {
    return this.copied;
  }

  get status(): CopyStatus {
    const behindSince = this.writingSince ?? this.dirtySince;
    return {
      state: this.files === undefined ? 'none' : this.lock === undefined ? 'taken' : 'kept',
      position: this.copied?.position ?? 0,
      snapshots: this.entries.size,
      behindMs: behindSince === undefined ? 0 : Math.max(1, Math.round(performance.now() - behindSince)),
      error: this.failure,
    };
  }

  /** The snapshot of a target that was the newest as of the position of {@link state}. One that is damaged is told once, and gone. */
  find(target: LayerName): CopiedSnapshot | undefined {
    const key = layerKey(target);
    const listed = this.entries.get(key);
    if (listed === undefined || this.files === undefined || this.damaged.has(listed.file)) return undefined;
    try {
      return { record: JSON.parse(this.files.readSnapshot(listed.file)) as unknown, dependsOn: listed.dependsOn };
    } catch (error) {
      this.damaged.add(listed.file);
      this.logger.warn(`The copy of ${key} cannot be used: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** Forgets everything: it is of another log. The files go with the next write. */
  disown(): void {
    this.copied = undefined;
    this.entries = new Map();
  }

  /** Keeps the copy up to date with the source from now on. */
  follow(source: CopySource): void {
    if (this.lock === undefined) return;
    this.source = source;
    this.unfollow = source.onChange(() => this.touch());
    this.touch();
  }

  /** Writes what is still to be written, if it can be, and follows no more. Before the source ends. */
  async finish(): Promise<void> {
    this.unfollow();
    this.stopping.abort();
    await this.writing;
    if (this.dirtySince !== undefined) await this.writeOnce(PATIENCE).catch((error: unknown) => this.fail(error));
    this.source = undefined;
  }

  /** Lets go of the folder. */
  close(): void {
    this.lock?.release();
    this.lock = undefined;
  }

  private open(files: CopyFiles): void {
    try {
      files.prepare();
      this.lock = FolderLock.take(files.folder);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (this.lock === undefined) {
      this.logger.warn(`Another process uses the folder ${files.folder}: this one keeps no copy. Name another folder in TRIMTAB_COPY_FOLDER.`);
      return;
    }
    try {
      this.take(files.readState());
    } catch (error) {
      this.logger.warn(`The copy in ${files.folder} cannot be used: ${messageOf(error)}`);
    }
  }

  private take(text: string | undefined): void {
    if (text === undefined) return;
    const { format, state, snapshots } = JSON.parse(text) as { format: number; state: CopiedState; snapshots: [string, Listed][] };
    if (format !== FORMAT) throw new DamagedFile(`Its format is ${format}, and this version reads ${FORMAT}.`);
    this.copied = state;
    this.entries = new Map(snapshots);
  }

  private touch(): void {
    this.dirtySince ??= performance.now();
    this.writing ??= this.writeUntilClean().finally(() => {
      this.writing = undefined;
      if (this.dirtySince !== undefined && !this.stopping.signal.aborted) this.touch();
    });
  }

  private async writeUntilClean(): Promise<void> {
    let attempt = 0;
    while (this.dirtySince !== undefined && !this.stopping.signal.aborted) {
      attempt += 1;
      try {
        if (await this.writeOnce(attempt)) attempt = 0;
      } catch (error) {
        this.fail(error);
      }
      await sleep(this.options.intervalMs ?? INTERVAL_MS, undefined, { signal: this.stopping.signal, ref: false }).catch(() => undefined);
    }
  }

  /** False when it has to be tried again because the source has not come to rest. */
  private async writeOnce(attempt: number): Promise<boolean> {
    const { source, files } = this;
    if (source === undefined || files === undefined) return true;
    this.writingSince = this.dirtySince;
    this.dirtySince = undefined;
    try {
      const settled = await source.settle();
      const capture = settled ? source.capture() : undefined;
      if (capture === undefined || (capture.stale > 0 && attempt < PATIENCE)) {
        this.dirtySince = this.writingSince;
        return false;
      }
      await this.write(files, capture, this.stillCurrent(capture));
      if (this.failure !== undefined) this.logger.log('The copy can be written again.');
      this.failure = undefined;
      return true;
    } catch (error) {
      this.dirtySince = this.writingSince;
      throw error;
    } finally {
      this.writingSince = undefined;
    }
  }

  /** What nobody asks for any more and nothing has changed. Must be called in the turn of the capture. */
  private stillCurrent({ state, moved }: Capture): Map<string, Listed> {
    const { copied } = this;
    if (copied?.log !== state.log) return new Map();
    return new Map([...this.entries].filter(([, { file, dependsOn }]) => !this.damaged.has(file) && !moved(dependsOn, copied.position)));
  }

  private async write(files: CopyFiles, { state, snapshots }: Capture, kept: Map<string, Listed>): Promise<void> {
    files.prepare();
    const entries = new Map(kept);
    for (const snapshot of snapshots) {
      const key = layerKey(snapshot.target);
      const known = kept.get(key) ?? this.entries.get(key);
      entries.delete(key);
      const same = known !== undefined && !this.damaged.has(known.file) && isSame(known, snapshot);
      entries.set(key, same ? known : await this.writeSnapshot(files, snapshot));
    }
    this.bound(entries);
    await files.writeState(JSON.stringify({ format: FORMAT, state, snapshots: [...entries] }));
    this.copied = state;
    this.entries = entries;
    this.damaged.clear();
    const listed = new Set([...entries.values()].map(({ file }) => file));
    await files.sweep((file) => listed.has(file));
  }

  private async writeSnapshot(files: CopyFiles, { revision, etag, dependsOn, record }: CapturedSnapshot): Promise<Listed> {
    const written = await files.writeSnapshot(JSON.stringify(record()));
    return { ...written, revision, etag, dependsOn: [...dependsOn] };
  }

  private bound(entries: Map<string, Listed>): void {
    let bytes = 0;
    for (const entry of entries.values()) bytes += entry.bytes;
    for (const [key, entry] of entries) {
      if (bytes <= this.options.maxBytes && entries.size <= MAX_ENTRIES) return;
      bytes -= entry.bytes;
      entries.delete(key);
    }
  }

  private fail(error: unknown): void {
    const { code } = error as NodeJS.ErrnoException;
    if (this.failure === undefined) this.logger.warn(`The copy cannot be written: ${messageOf(error)} Trying again.`);
    this.failure = code ?? 'failed';
  }
}

function isSame(listed: Listed, { revision, etag, dependsOn }: CapturedSnapshot): boolean {
  return listed.revision === revision && listed.etag === etag && listed.dependsOn.length === dependsOn.size && listed.dependsOn.every((key) => dependsOn.has(key));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
