// A role is a process of its own that does one thing for a figure: a server, a load, a crowd of clients. The figure
// calls its methods over the IPC channel and ends it by its handle.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const END_GRACE_MS = 5_000;
/** Few things here take that long; a figure that hangs has to fail. */
const CALL_TIMEOUT_MS = 60_000;
/** Id of the message by which a role says that it listens. */
const READY = 0;
const running = new Set();

/** Execution arguments that load the probe. */
export const PROBED = ['--require', fileURLToPath(new URL('./probe.cjs', import.meta.url))];

/** Starts `bench/roles/<name>.mjs`. */
export function startRole(name, execArgv = [], env = {}) {
  const file = fileURLToPath(new URL(`../roles/${name}.mjs`, import.meta.url));
  const role = startProcess(file, { execArgv, env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  // What is sent before the role listens would be lost where the probe listens already.
  const ready = role.ready();
  return { ...role, call: (method, params, timeoutMs) => ready.then(() => role.call(method, params, timeoutMs)) };
}

/** Starts any module that answers calls over IPC. */
export function startProcess(file, { args = [], ...options }) {
  const child = fork(file, args, options);
  const calls = new Map();
  let nextId = 0;
  running.add(child);
  child.on('message', ({ id, result, error }) => {
    const call = calls.get(id);
    if (call === undefined) return;
    calls.delete(id);
    if (error === undefined) call.resolve(result);
    else call.reject(new Error(error));
  });
  child.once('exit', (code, signal) => {
    running.delete(child);
    for (const { reject } of calls.values()) reject(new Error(`${file} ended with ${signal ?? code}.`));
    calls.clear();
  });
  const send = (message, timeoutMs = CALL_TIMEOUT_MS) =>
    new Promise((resolve, reject) => {
      const id = ++nextId;
      const timer = setTimeout(() => reject(new Error(`${file} has not answered ${JSON.stringify(message).slice(0, 80)}.`)), timeoutMs);
      const settled = (settle) => (value) => {
        clearTimeout(timer);
        settle(value);
      };
      calls.set(id, { resolve: settled(resolve), reject: settled(reject) });
      child.send({ id, ...message }, (error) => error && reject(error));
    });
  return {
    child,
    call: (method, params, timeoutMs) => send({ method, params }, timeoutMs),
    ready: () => new Promise((resolve, reject) => calls.set(READY, { resolve, reject })),
    /** Asks what `probe.cjs` has measured in this process. */
    probe: (probe) => send({ probe }),
    end: () => endProcess(child),
    kill: () => endProcess(child, 'SIGKILL'),
  };
}

/** Asks the process to end, and makes it when it does not. */
export async function endProcess(child, signal = 'SIGTERM') {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), END_GRACE_MS);
  await exited;
  clearTimeout(timer);
}

/** For whatever a failed figure has left. */
export function endAll() {
  return Promise.all([...running].map((child) => endProcess(child)));
}

/** The other side: answers the calls of whoever started this process, and goes when it goes. */
export function answer(methods) {
  process.on('message', ({ id, method, params }) => {
    if (method === undefined) return;
    Promise.resolve()
      .then(() => methods[method](params ?? {}))
      .then(
        (result) => process.send?.({ id, result }),
        (error) => process.send?.({ id, error: error.stack ?? String(error) }),
      );
  });
  for (const event of ['disconnect', 'SIGTERM']) process.once(event, () => process.exit());
  process.channel?.ref();
  process.send?.({ id: READY });
}
