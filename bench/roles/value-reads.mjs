// Reads values in the client's process, beside the same reads without the client.
//
// There are several of each, read by turns: with one, the compiler finds that the value cannot have changed and reads
// it once, before the loop.
import { createInMemoryClient } from '@trimtab/client/testing';
import { answer } from '../support/role.mjs';
import { sampleConfig } from '../support/sample-config.mjs';

const SPREAD = 8;
const PATH = 'db.pool.max';

const contents = Array.from({ length: SPREAD }, (_, index) => sampleConfig(1_024, index + 1));
const configs = await Promise.all(contents.map((content) => createInMemoryClient(content)));
const plain = contents.map(deepFrozen);
const maps = contents.map((content) => new Map(flattened(content)));

const loops = {
  nothing: (times) => {
    let sum = 0;
    for (let i = 0; i < times; i += 1) sum += i & (SPREAD - 1);
    return sum;
  },
  plain: (times) => {
    let sum = 0;
    for (let i = 0; i < times; i += 1) sum += plain[i & (SPREAD - 1)].db.pool.max;
    return sum;
  },
  snapshot: (times) => {
    let sum = 0;
    for (let i = 0; i < times; i += 1) sum += configs[i & (SPREAD - 1)].snapshot().db.pool.max;
    return sum;
  },
  map: (times) => {
    let sum = 0;
    for (let i = 0; i < times; i += 1) sum += maps[i & (SPREAD - 1)].get(PATH);
    return sum;
  },
  get: (times) => {
    let sum = 0;
    for (let i = 0; i < times; i += 1) sum += configs[i & (SPREAD - 1)].get(PATH);
    return sum;
  },
};

for (const loop of Object.values(loops)) for (let round = 0; round < 20; round += 1) loop(50_000);

/** Nanoseconds of one read, without those of the loop around it. */
function time({ of, times }) {
  return Math.max(0, timeOf(loops[of], times) - timeOf(loops.nothing, times));
}

function timeOf(loop, times) {
  const start = process.hrtime.bigint();
  keep(loop(times));
  return Number(process.hrtime.bigint() - start) / times;
}

/** Bytes by which the heap grows with each read. */
function allocated({ of, times }) {
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  keep(loops[of](times));
  return Math.max(0, process.memoryUsage().heapUsed - before) / times;
}

let kept = 0;
function keep(value) {
  kept += value;
}

function deepFrozen(value) {
  if (typeof value !== 'object' || value === null) return value;
  return Object.freeze(Array.isArray(value) ? value.map(deepFrozen) : Object.fromEntries(Object.entries(value).map(([key, member]) => [key, deepFrozen(member)])));
}

function flattened(value, prefix = '') {
  return Object.entries(value).flatMap(([key, member]) =>
    typeof member === 'object' && !Array.isArray(member) ? flattened(member, `${prefix}${key}.`) : [[prefix + key, member]],
  );
}

answer({ time, allocated, kept: () => kept });
