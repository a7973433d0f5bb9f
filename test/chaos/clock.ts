import { existsSync } from 'node:fs';

const PLACES = ['x86_64-linux-gnu', 'aarch64-linux-gnu', '.'].map((place) => `/usr/lib/${place}/faketime/libfaketimeMT.so.1`);

/** Debian's libfaketime, if it is installed: with it the clock of one process can be shifted while it runs. */
export function findFaketime(): string | undefined {
  return PLACES.find(existsSync);
}

/** The environment under which a process reads the shift of its clock from a file, once a second. */
export function faketimeEnvironment(library: string, clockFile: string): Record<string, string> {
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clockFile,
    FAKETIME_CACHE_DURATION: '1',
    // Timers run on the monotonic clock, which nobody sets.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  };
}
