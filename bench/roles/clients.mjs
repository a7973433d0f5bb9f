// Many whole clients in one process, that note when each has applied a revision.
import { connect } from '@trimtab/client';
import { now } from '../support/clock.mjs';
import { answer } from '../support/role.mjs';

const OPENING = 20;
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const configs = [];
let arrivals = [];
let collected;

async function join({ count, port, key, service, environment }) {
  let missing = count;
  const openSome = async () => {
    while (missing > 0) {
      missing -= 1;
      const config = await connect({ url: `http://127.0.0.1:${port}`, key, service, environment, diskSnapshot: false, logger: silent, startTimeoutMs: 30_000 });
      config.on('applied', applied);
      configs.push(config);
    }
  };
  await Promise.all(Array.from({ length: OPENING }, openSome));
}

function applied() {
  arrivals.push(now());
  if (arrivals.length === configs.length) collected?.();
}

answer({
  join,
  expect: () => {
    arrivals = [];
  },
  arrivals: async () => {
    if (arrivals.length < configs.length) await new Promise((resolve) => (collected = resolve));
    return { arrivals };
  },
});
