import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const SIZE_KIB = 2_048;
const BLOCK = Buffer.alloc(4_096, 'x');

/**
 * A folder that can be filled to the last byte: a small file system in memory, in a mount namespace of its own that
 * goes away with the process that holds it. Where that is not allowed it is an ordinary folder, which never gets full.
 */
export class DiskFolder {
  private constructor(
    /** Where everybody sees it. */
    readonly outside: string,
    /** Where processes started with {@link command} see it. */
    readonly inside: string,
    private readonly holder: ChildProcess | undefined,
  ) {}

  /** Whether this machine lets us make a file system. */
  static get canFill(): boolean {
    return process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;
  }

  static async make(outside: string): Promise<DiskFolder> {
    const inside = path.join(outside, 'disk');
    mkdirSync(inside, { recursive: true, mode: 0o700 });
    if (!DiskFolder.canFill) return new DiskFolder(outside, inside, undefined);
    const mount = `mount -t tmpfs -o size=${SIZE_KIB}k,mode=0700 chaos "${inside}" && echo mounted && exec cat`;
    const holder = spawn('unshare', ['-m', 'sh', '-c', mount], { stdio: ['pipe', 'pipe', 'ignore'] });
    const mounted = await new Promise<boolean>((resolve) => {
      holder.stdout.once('data', () => resolve(true));
      holder.once('close', () => resolve(false));
    });
    return new DiskFolder(outside, inside, mounted ? holder : undefined);
  }

  get fillable(): boolean {
    return this.holder !== undefined;
  }

  /** What a command line has to begin with for its process to see the folder. */
  get command(): readonly string[] {
    return this.holder === undefined ? [] : ['nsenter', `--mount=/proc/${this.holder.pid}/ns/mnt`, '--'];
  }

  /** Leaves not a byte free. */
  fill(): void {
    if (this.holder === undefined) return;
    const file = openSync(this.filler, 'w');
    try {
      for (let size = 0; size <= SIZE_KIB; size += BLOCK.length / 1_024) writeSync(file, BLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  free(): void {
    if (this.holder !== undefined) rmSync(this.filler, { force: true });
  }

  async close(): Promise<void> {
    if (this.holder === undefined) return;
    this.holder.stdin?.end();
    while (this.holder.exitCode === null && this.holder.signalCode === null) await sleep(20);
  }

  private get filler(): string {
    return path.join(`/proc/${this.holder?.pid}/root`, this.inside, 'filler');
  }
}
