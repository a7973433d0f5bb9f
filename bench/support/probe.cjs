// Loaded into a server before its own code (`--require`), the one of Trimtab and the bare ones alike: answers what it
// uses and how long its event loop was blocked.
const { monitorEventLoopDelay } = require('node:perf_hooks');

/** Of the timer that watches the loop; a block is told this much too long at most. */
const RESOLUTION_MS = 1;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

const measures = {
  cpu: () => process.cpuUsage(),
  rss: () => process.memoryUsage.rss(),
  memory: async () => {
    // Twice and with a pause: finalizers free more, and the allocator gives pages back some time later.
    for (let round = 0; round < 3; round += 1) {
      globalThis.gc?.();
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return process.memoryUsage();
  },
  watchLoop: () => {
    delay.reset();
    delay.enable();
  },
  longestBlockMs: () => {
    delay.disable();
    return Math.max(0, delay.max / 1e6 - RESOLUTION_MS);
  },
};

process.on('message', ({ id, probe }) => {
  if (probe === undefined) return;
  Promise.resolve(measures[probe]()).then((result) => process.send?.({ id, result }));
});
process.once('disconnect', () => process.exit());
process.channel?.unref();
