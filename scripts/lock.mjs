import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const BEAT_MS = 1_000;
/** A holder that has not shown itself for this long was killed. */
const STALE_MS = 10_000;

/**
 * Runs `work` while holding a lock between processes. The holder touches the file every second; a lock that nobody
 * touches is taken away, so a killed process blocks the next one for seconds only, whoever has got its pid since.
 */
export async function withLock(file, work) {
  const token = `${process.pid}-${Math.random()}`;
  while (!tryTake(file, token)) {
    removeIfStale(file);
    await sleep(100);
  }
  const beat = setInterval(() => utimesSync(file, new Date(), new Date()), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    rmSync(file, { force: true });
  }
}

function tryTake(file, token) {
  try {
    writeFileSync(file, token, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Moved aside before it is removed: if it was a fresh lock of someone else after all, it is put back. */
function removeIfStale(file) {
  try {
    if (Date.now() - statSync(file).mtimeMs < STALE_MS) return;
    const seen = readFileSync(file, 'utf8');
    const aside = `${file}.${process.pid}`;
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== seen) linkSync(aside, file);
    rmSync(aside);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
}
