// Loaded into a server before its own code (`--require`), the one of Trimtab and the bare ones alike: answers what it
// uses and how long its event loop was blocked.
const { subscribe } = require('node:diagnostics_channel');
const { Server } = require('node:net');
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
    return tooLong(delay.max);
  },
  loop: () => {
    delay.disable();
    return { longestMs: tooLong(delay.max), p99Ms: tooLong(delay.percentile(99)) };
  },
  listened: () => listened,
  countRequests: () => {
    requests = 0;
    subscribe('http.server.request.start', () => (requests += 1));
  },
  requests: () => requests,
  peakRss: () => process.resourceUsage().maxRSS * 1_024,
};

function tooLong(nanoseconds) {
  return Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
}

let requests;
/** When the process began to listen, by the clock that all processes share, and what it had used until then. */
let listened;
// For a storm that begins with the first connection: before anybody could ask.
if (process.env.BENCH_WATCH_LISTENING !== undefined) {
  const { listen } = Server.prototype;
  Server.prototype.listen = function (...args) {
    this.once('listening', () => {
      listened = { at: Number(process.hrtime.bigint()) / 1e6, cpu: process.cpuUsage() };
      measures.watchLoop();
    });
    return listen.apply(this, args);
  };
}

process.on('message', ({ id, probe }) => {
  if (probe === undefined) return;
  Promise.resolve(measures[probe]()).then((result) => process.send?.({ id, result }));
});
process.once('disconnect', () => process.exit());
process.channel?.unref();
