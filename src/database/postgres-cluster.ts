import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DomainError } from '../kernel/domain-error';
import { chooseUser, execute, giveTo, type PostgresBinaries, type RunAs } from './postgres-binaries';
import { isAlive } from './postmaster';

export const CLUSTER_USER = 'trimtab';

/** Where the parts of a cluster lie. The whole folder appears at once, by one rename, or not at all. */
export interface Cluster {
  readonly folder: string;
  readonly data: string;
  readonly log: string;
  /** Remembers the port of the last start. */
  readonly port: string;
  readonly password: string;
  readonly user: RunAs;
}

/**
 * Opens the cluster in `parent`, making it first if there is none. Several processes may do this at once: each makes
 * a cluster of its own beside the final place, the first rename wins, and the others throw theirs away.
 */
export async function openCluster(parent: string, binaries: PostgresBinaries, { durable = true } = {}): Promise<Cluster> {
  makePrivate(parent);
  sweepAbandoned(parent);
  const folder = path.join(parent, 'postgres');
  if (!existsSync(path.join(folder, 'data', 'PG_VERSION'))) await createCluster(parent, folder, binaries, durable);
  const data = path.join(folder, 'data');
  const user = await chooseUser(data);
  const password = readPassword(path.join(folder, 'password'));
  return { folder, data, log: path.join(folder, 'log'), port: path.join(folder, 'port'), password, user };
}

async function createCluster(parent: string, final: string, binaries: PostgresBinaries, durable: boolean): Promise<void> {
  const draft = path.join(parent, `new-${process.pid}-${randomBytes(4).toString('hex')}`);
  try {
    mkdirSync(draft, { mode: 0o700 });
    writeFileSync(path.join(draft, 'password'), randomBytes(24).toString('base64url'), { mode: 0o600, flush: true });
    mkdirSync(path.join(draft, 'data'), { mode: 0o700 });
    const user = await chooseUser(undefined);
    if (user.kind === 'user') chmodSync(parent, 0o711);
    giveTo(user, draft);
    const args = [
      '--pgdata=data', '--pwfile=password', `--username=${CLUSTER_USER}`, '--auth=scram-sha-256', '--encoding=UTF8',
      '--no-locale', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--no-instructions',
      ...(durable ? [] : ['--no-sync']),
    ];
    await execute(user, binaries.initdb, args, draft);
    renameSync(draft, final);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (existsSync(path.join(final, 'data', 'PG_VERSION'))) return;
    throw error;
  }
}

/**
 * Removes drafts whose maker was killed half-way. A draft of a living process is left to it; one that names our pid and
 * is older than we are was made by a predecessor, in a container that gives every process the same pid.
 */
function sweepAbandoned(parent: string): void {
  const processStart = Date.now() - process.uptime() * 1_000;
  for (const entry of readdirSync(parent)) {
    const maker = /^new-(\d+)-/.exec(entry)?.[1];
    if (maker === undefined) continue;
    const draft = path.join(parent, entry);
    if (Number(maker) === process.pid ? statSync(draft).mtimeMs > processStart : isAlive(Number(maker))) continue;
    rmSync(draft, { recursive: true, force: true });
  }
}

function makePrivate(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    readdirSync(folder);
  } catch (cause) {
    throw new DomainError('unavailable', `The folder ${folder} cannot be used (${(cause as NodeJS.ErrnoException).code}). Give it to the user that runs Trimtab, or name another one in TRIMTAB_DATA.`, { cause });
  }
}

function readPassword(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new DomainError('unavailable', `The password of the embedded Postgres cannot be read from ${file} (${(cause as NodeJS.ErrnoException).code}). Put the file back from a backup, or run Trimtab as the user the folder belongs to.`, { cause });
  }
}
