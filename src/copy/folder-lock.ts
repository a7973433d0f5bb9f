import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';

/** Far longer than a holder on another machine goes without renewing, however busy it is. */
const ABANDONED_MS = 60_000;
const RENEW_MS = 10_000;

/**
 * Makes sure that one process only uses a folder. The lock is a file that names its holder; it appears whole, by a link,
 * which never replaces a file. A holder on this machine is asked for by pid and start time (a pid alone is recycled, and
 * in containers it is always the same). One on another machine, behind a shared volume, is taken for gone when it has
 * not renewed the file for a minute by the clock of the volume.
 */
export class FolderLock {
  private readonly renewal: NodeJS.Timeout;

  private constructor(
    private readonly file: string,
    private readonly content: string,
  ) {
    this.renewal = setInterval(() => this.renew(), RENEW_MS).unref();
  }

  /** Undefined when another process has it. */
  static take(folder: string): FolderLock | undefined {
    const file = path.join(folder, 'lock');
    const draft = path.join(folder, `draft-lock-${process.pid}-${process.hrtime.bigint()}`);
    const content = JSON.stringify({ host: hostname(), pid: process.pid, started: startOf(process.pid), nonce: String(process.hrtime.bigint()) });
    writeFileSync(draft, content, { mode: 0o600 });
    try {
      for (let attempt = 0; attempt < 3; attempt += 1) {
        if (linked(draft, file)) return new FolderLock(file, content);
        if (!clearIfAbandoned(file, statSync(draft).mtimeMs)) return undefined;
      }
      return undefined;
    } finally {
      rmSync(draft, { force: true });
    }
  }

  release(): void {
    clearInterval(this.renewal);
    if (read(this.file) === this.content) rmSync(this.file, { force: true });
  }

  private renew(): void {
    try {
      const now = new Date();
      utimesSync(this.file, now, now);
    } catch {
      // Whoever has removed the folder has removed the lock.
    }
  }
}

/** Moves the lock away first, so that of two that find it abandoned one clears it, and puts it back if it is another by then. */
function clearIfAbandoned(file: string, now: number): boolean {
  const content = read(file);
  if (content === undefined) return true;
  if (isHeld(content, file, now)) return false;
  const aside = `${file}-${process.pid}`;
  try {
    renameSync(file, aside);
    if (read(aside) !== content) linked(aside, file);
  } catch {
    // Cleared by somebody else.
  } finally {
    rmSync(aside, { force: true });
  }
  return true;
}

function isHeld(content: string, file: string, now: number): boolean {
  let holder: { host?: unknown; pid?: unknown; started?: unknown };
  try {
    holder = JSON.parse(content) as typeof holder;
  } catch {
    return false;
  }
  if (holder.host !== hostname()) return now - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) < ABANDONED_MS;
  return typeof holder.pid === 'number' && isAlive(holder.pid) && startOf(holder.pid) === holder.started;
}

/** Signal 0 tells whether a process exists; not being allowed to signal it means that it does. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process was started, in whatever unit the system counts; the same text for as long as it lives. Empty where that cannot be told. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in brackets, may hold blanks.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
