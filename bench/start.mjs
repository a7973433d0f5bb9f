// Starting on a database that exists, and doing nothing then.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { against } from './support/results.mjs';
import { withoutSettings } from './support/world.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LIMIT_CPU_SECONDS = 2;
const LIMIT_RESIDENT_MB = 200;
/** Ticks of /proc/<pid>/stat; Linux tells this to user space as 100 everywhere. */
const TICKS_PER_SECOND = 100;

export async function run({ world, quick }) {
  const databaseUrl = await world.database();
  const first = await world.server({ databaseUrl });
  await first.end();
  const servers = [];
  const trees = [];
  const resident = [];
  for (let repetition = 0; repetition < (quick ? 1 : 5); repetition += 1) {
    const server = await world.server({ databaseUrl });
    servers.push(seconds(await server.probe('cpu')));
    await sleep(quick ? 100 : 3_000);
    resident.push((await server.probe('rss')) / 1e6);
    await server.end();
    if (existsSync('/proc/self/stat')) trees.push(await cpuOfNpmStart(databaseUrl));
  }
  const cpu = (name, values) => against(LIMIT_CPU_SECONDS, { name: `start to ready, ${name}`, unit: 's of CPU', values, aim: 1 });
  return [
    cpu('the server', servers),
    ...(trees.length === 0 ? [] : [cpu('npm start with all its processes', trees)]),
    against(LIMIT_RESIDENT_MB, { name: 'resident memory, idle', unit: 'MB', values: resident, aim: 1 }),
  ];
}

function seconds({ user, system }) {
  return (user + system) / 1e6;
}

/** npm, the script before the start, which has ended by then, and the server. */
async function cpuOfNpmStart(databaseUrl) {
  const env = { ...withoutSettings(process.env), DATABASE_URL: databaseUrl, PORT: '0' };
  const npm = spawn('npm', ['start'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = once(npm, 'exit');
  let text = '';
  for await (const chunk of npm.stdout) {
    text += chunk;
    if (text.includes('is running.')) break;
  }
  if (npm.exitCode !== null || !text.includes('is running.')) throw new Error(`npm start did not start the server: ${text}`);
  const pids = tree(npm.pid);
  const ticks = pids.map(ticksOf).reduce((sum, each) => sum + each, 0);
  for (const pid of pids.slice(1)) process.kill(pid, 'SIGTERM');
  await exited;
  return ticks / TICKS_PER_SECOND;
}

function tree(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(tree)];
}

/** Its own time and that of its children that have ended. */
function ticksOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return fields.slice(11, 15).map(Number).reduce((sum, each) => sum + each, 0);
}
