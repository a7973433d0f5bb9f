// Loaded before anything else, it moves every wall clock of a process by TEST_CLOCK_SHIFT_MS.
const shift = Number(process.env.TEST_CLOCK_SHIFT_MS);
const now = Date.now.bind(Date);
globalThis.Date = class extends Date {
  constructor(...args) {
    if (args.length === 0) super(now() + shift);
    else super(...args);
  }

  static now() {
    return now() + shift;
  }
};
