// npm run bench [-- [--quick] [--out=<file>] [<figure> …]]: measures every figure, or the ones that are named, each
// beside its limit in the same run, and writes bench/results.json. docs/performance.md says how to read it.
import { measure } from './support/command.mjs';

/** In this order: the ones that heat the machine least come first. */
await measure({
  figures: {
    'client-read': () => import('./client-read.mjs'),
    start: () => import('./start.mjs'),
    read: () => import('./read.mjs'),
    publish: () => import('./publish.mjs'),
    'fan-out': () => import('./fan-out.mjs'),
    memory: () => import('./memory.mjs'),
  },
  file: new URL('./results.json', import.meta.url),
});
