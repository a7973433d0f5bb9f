// npm run bench:fleet [-- [--quick] [--out=<file>] [--only <figure or "storms">] …]: what a fleet costs, and the storms
// it makes, each beside its limit in the same run; writes bench/fleet-results.json. A storm that leaves somebody behind
// fails the run. docs/performance.md says how to read it.
import { measure } from './support/command.mjs';

const storms = {
  'large-document': () => import('./fleet/large-document.mjs'),
  'many-keys': () => import('./fleet/many-keys.mjs'),
  'long-polls': () => import('./fleet/long-polls.mjs'),
  reconnect: () => import('./fleet/reconnect.mjs'),
};

await measure({
  figures: { 'fan-out': () => import('./fleet/fan-out.mjs'), ...storms },
  sets: { storms: Object.keys(storms) },
  file: new URL('./fleet-results.json', import.meta.url),
});
