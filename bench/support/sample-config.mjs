/**
 * A configuration of about `bytes` bytes of JSON as services have them: sections of nested objects with numbers,
 * switches, hosts and a few lists. Every value depends on `seed`, so two seeds have no value in common but the switches.
 */
export function sampleConfig(bytes, seed) {
  const next = randomOf(seed);
  const config = { seed, db: { pool: { min: 2, max: 10 + (seed % 90) } } };
  for (let section = 0; JSON.stringify(config).length < bytes - 40; section += 1) {
    config[`section${section}`] = {
      enabled: next() % 2 === 0,
      url: `http://host-${next().toString(36)}.internal:${1024 + (next() % 60_000)}/api`,
      timeouts: { connectMs: next() % 10_000, readMs: next() % 60_000 },
      labels: [next().toString(36), next().toString(36)],
    };
  }
  const missing = bytes - JSON.stringify(config).length - ',"padding":""'.length;
  return { ...config, padding: next().toString(36).repeat(200).slice(0, Math.max(0, missing)) };
}

/** A small generator of numbers with a seed; what is random here must be the same in every run. */
function randomOf(seed) {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

const MARK = '0000000000';

/** A place in a source where {@link differing} puts a number. */
export const VARYING = Number(`1${MARK}`);

/** The source with another number in place of {@link VARYING} at every call, as bytes. */
export function differing(source) {
  const bytes = Buffer.from(source);
  const at = bytes.indexOf(MARK);
  return (number) => {
    const next = Buffer.from(bytes);
    next.write(String(number).padStart(MARK.length, '0'), at, 'latin1');
    return next;
  };
}
