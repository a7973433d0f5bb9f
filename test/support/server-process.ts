import { type ChildProcess, execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { opened } from './open-resources';

const ROOT = path.resolve(__dirname, '../..');
const MAIN = path.join(ROOT, 'dist/main.js');
const ANNOUNCED = /(?:API|Configs)\s+(http:\/\/\S+?)(?:\/api)?\/v1/;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `node dist/main.js` as a process of its own, in its environment only what is given. */
export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** The token it printed, when this was the very first start on its database. */
  readonly token: string | undefined;
  /** Sends the signal and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
  /** Settles when the process ends by itself. */
  readonly exited: Promise<Exit>;
  stdout(): string;
  stderr(): string;
}

/** Starts it and waits until it has announced itself; rejects, with what it wrote, when it ends before. */
export async function startServerProcess(env: Readonly<Record<string, string>> = {}, command?: readonly string[]): Promise<ServerProcess> {
  const { child, output, exited } = await launchServerProcess(env, command);
  const announced = new Promise<string>((resolve) => {
    const look = (): void => {
      const url = ANNOUNCED.exec(output.stdout)?.[1];
      if (url !== undefined && /Database|NATS/.test(output.stdout)) resolve(url);
    };
    child.stdout?.on('data', look);
  });
  const url = await Promise.race([
    announced,
    exited.then(({ code, signal, stderr }) => {
      throw new Error(`The server ended with ${signal ?? code} before it was ready:\n${stderr}`);
    }),
  ]);
  return {
    url,
    pid: child.pid ?? 0,
    get token() {
      return /tta_\S+/.exec(output.stdout)?.[0];
    },
    kill: (signal = 'SIGTERM') => {
      child.kill(signal);
      return exited;
    },
    exited,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
  };
}

/** For starts that are meant to fail: waits for the end. */
export async function runServerProcess(env: Readonly<Record<string, string>> = {}): Promise<Exit> {
  return (await launchServerProcess(env)).exited;
}

export interface Launched {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  readonly exited: Promise<Exit>;
}

/** Only starts it: for whoever wants to disturb the start. `command` runs it another way, or another build of it. */
export async function launchServerProcess(
  env: Readonly<Record<string, string>>,
  command: readonly string[] = [process.execPath, MAIN],
): Promise<Launched> {
  await ensureBuilt();
  const [program = process.execPath, ...args] = command;
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { PATH: process.env.PATH, PORT: '0', TRIMTAB_LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = opened(`server process ${child.pid}`);
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output.stderr += chunk));
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      closed();
      resolve({ code, signal, ...output });
    });
  });
  return { child, output, exited };
}

let built: Promise<unknown> | undefined;

/** The process runs what is compiled; this makes sure that it is what is in `src/`. */
function ensureBuilt(): Promise<unknown> {
  built ??= promisify(execFile)(process.execPath, ['scripts/prepare.mjs', '--build-only'], { cwd: ROOT });
  return built;
}
