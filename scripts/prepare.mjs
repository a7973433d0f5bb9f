// Makes a checkout ready to run: installs the packages if the lock file has changed since, and builds what is stale.
// Runs before anything is installed, so it uses nothing but Node.js itself. Says what it does when that takes time.
// With --build-only it leaves node_modules alone: a test that is running needs it.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const buildOnly = process.argv.includes('--build-only');

const allSteps = [
  {
    saying: 'Installing packages (the first time takes about a minute) …',
    inputs: ['package.json', 'package-lock.json', 'client/package.json'],
    record: 'node_modules/.trimtab-install',
    command: npm(['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']),
  },
  {
    saying: 'Building the client …',
    inputs: ['client/src', 'client/scripts', 'client/package.json', 'client/tsconfig.json', 'client/tsconfig.esm.json', 'client/tsconfig.cjs.json'],
    record: 'client/dist/.trimtab-build',
    command: [process.execPath, 'client/scripts/build.mjs'],
  },
  {
    saying: 'Building the server …',
    inputs: ['src', 'migrations', '.swcrc', 'scripts/build-server.mjs'],
    record: 'dist/.trimtab-build',
    command: [process.execPath, 'scripts/build-server.mjs'],
  },
];

const steps = buildOnly ? allSteps.slice(1) : allSteps;

function npm(args) {
  const cli = process.env.npm_execpath;
  return cli?.endsWith('.js') ? [process.execPath, cli, ...args] : ['npm', ...args];
}

function filesIn(input) {
  const full = path.join(root, input);
  if (!existsSync(full)) return [];
  const entries = readdirSync(path.dirname(full), { withFileTypes: true });
  if (entries.find(({ name }) => name === path.basename(full))?.isFile()) return [input];
  return readdirSync(full, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

function hashOf(inputs) {
  const hash = createHash('sha256').update(process.version);
  for (const file of inputs.flatMap(filesIn)) hash.update(`\n${file}\n`).update(contentOf(file));
  return hash.digest('hex');
}

/** Of a package.json only what decides which packages are installed: a new script is no reason to install again. */
function contentOf(file) {
  const content = readFileSync(path.join(root, file));
  if (path.basename(file) !== 'package.json') return content;
  const { workspaces, overrides, dependencies, devDependencies, optionalDependencies, exports } = JSON.parse(content);
  return JSON.stringify({ workspaces, overrides, dependencies, devDependencies, optionalDependencies, exports });
}

function isCurrent({ inputs, record }) {
  const file = path.join(root, record);
  return existsSync(file) && readFileSync(file, 'utf8') === hashOf(inputs);
}

function run([command, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    // An npm that is left behind would go on writing into node_modules while the next one does too.
    const pass = (signal) => child.kill(signal);
    process.once('SIGINT', pass).once('SIGTERM', pass);
    child.once('error', (error) => reject(new Error(`${command} could not be started (${error.code}).`)));
    child.once('exit', (code, signal) => {
      process.off('SIGINT', pass).off('SIGTERM', pass);
      if (code === 0) resolve();
      else reject(new Error(`${path.basename(command)} ${args.join(' ')} ended with ${signal ?? code}.`));
    });
  });
}

async function prepare() {
  for (const step of steps) {
    if (isCurrent(step)) continue;
    // Taken before the command runs: what is edited meanwhile makes the next run build again.
    const hash = hashOf(step.inputs);
    process.stderr.write(`${step.saying}\n`);
    await run(step.command);
    writeFileSync(path.join(root, step.record), hash);
  }
}

try {
  if (!steps.every(isCurrent)) {
    mkdirSync(path.join(root, '.trimtab'), { recursive: true, mode: 0o700 });
    await withLock(path.join(root, '.trimtab', 'prepare.lock'), prepare);
  }
} catch (error) {
  process.stderr.write(`Trimtab could not be prepared: ${error.message}\n`);
  process.exitCode = 1;
}
