import { execFileSync } from 'node:child_process';
import { linkSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Larger than any pid a kernel hands out: a pid file that names it is stale for certain. */
const NO_PROCESS = 4_194_304;

/** What `postmaster.pid` in a data folder says, compared with the processes that really exist. */
export type Postmaster =
  /** No pid file, or one whose process is gone: Postgres itself deals with that when it starts. */
  | { readonly kind: 'none' }
  /** Ours; `port` is known as soon as it listens. */
  | { readonly kind: 'running'; readonly pid: number; readonly port: number | undefined }
  /** The pid now belongs to something else, and Postgres would refuse to start because of it. */
  | { readonly kind: 'recycled'; readonly content: string };

export function findPostmaster(dataFolder: string): Postmaster {
  const content = readPidFile(dataFolder);
  if (content === undefined) return { kind: 'none' };
  const lines = content.split('\n');
  const pid = Number(lines[0]);
  if (!isAlive(pid)) return { kind: 'none' };
  if (!servesFolder(pid, dataFolder)) return { kind: 'recycled', content };
  const port = Number(lines[3]);
  return { kind: 'running', pid, port: Number.isInteger(port) && port > 0 ? port : undefined };
}

/**
 * Makes a pid file whose pid was recycled name no process at all. The file is not deleted, because Postgres reads in
 * it which shared memory the dead postmaster's children may still use. It is moved away first and put back by a link,
 * which never replaces a file, so that a postmaster that starts meanwhile does not lose its own.
 */
export function disownPidFile(dataFolder: string, expected: string): void {
  const pidFile = pidFileOf(dataFolder);
  const aside = `${pidFile}.${process.pid}`;
  try {
    renameSync(pidFile, aside);
    const content = readFileSync(aside, 'utf8');
    if (content === expected) writeFileSync(aside, content.replace(/^.*/, String(NO_PROCESS)));
    linkSync(aside, pidFile);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Signal 0 tells whether a process exists; not being allowed to signal it means that it does. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function readPidFile(dataFolder: string): string | undefined {
  try {
    return readFileSync(pidFileOf(dataFolder), 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function pidFileOf(dataFolder: string): string {
  return path.join(dataFolder, 'postmaster.pid');
}

/** A postmaster works in its data folder; hardly anything else does, and certainly not under that pid. */
function servesFolder(pid: number, dataFolder: string): boolean {
  try {
    if (process.platform === 'linux') return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataFolder);
    return execFileSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' }).includes(dataFolder);
  } catch {
    return false;
  }
}
