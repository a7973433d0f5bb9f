import { malformed } from '../malformed';

/** What a request for a snapshot asks besides the snapshot. */
export interface ReadQuery {
  /** At least this revision; with `waitMs`, the one the client has. */
  readonly revision?: number;
  /** How long to wait for something new. */
  readonly waitMs?: number;
  readonly asOf?: number;
  readonly origin: boolean;
  readonly deltas: boolean;
}

const DURATION = /^(\d{1,9})(ms|s|m)?$/;
const UNITS = { ms: 1, s: 1_000, m: 60_000 } as const;
const KNOWN = ['revision', 'wait', 'asOf', 'origin', 'deltas'];

export function parseReadQuery(query: unknown): ReadQuery {
  const { revision, wait, asOf, origin, deltas } = membersOf(query);
  if (asOf !== undefined && (wait !== undefined || revision !== undefined)) {
    throw malformed('"asOf" reads the past, which never changes; it cannot be combined with "wait" or "revision".', '/asOf');
  }
  if (origin === 'true' && (asOf ?? wait ?? revision) !== undefined) throw malformed('"origin" explains the newest and is used alone.', '/origin');
  return {
    ...(revision === undefined ? {} : { revision: wholeNumber(revision, 'revision') }),
    ...(wait === undefined ? {} : { waitMs: duration(wait) }),
    ...(asOf === undefined ? {} : { asOf: wholeNumber(asOf, 'asOf') }),
    origin: flag(origin, 'origin', false),
    deltas: flag(deltas, 'deltas', true),
  };
}

function membersOf(query: unknown): Readonly<Record<string, string | undefined>> {
  for (const [name, value] of Object.entries(query as Record<string, unknown>)) {
    if (!KNOWN.includes(name)) {
      throw malformed(`The query parameter "${name.slice(0, 64)}" is not known; known here are ${KNOWN.join(', ')}.`);
    }
    if (typeof value !== 'string') throw malformed(`The query parameter "${name}" is given more than once.`, `/${name}`);
  }
  return query as Readonly<Record<string, string | undefined>>;
}

function wholeNumber(text: string, name: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value)) return value;
  throw malformed(`"${name}" must be a whole number, 0 or more.`, `/${name}`);
}

function duration(text: string): number {
  const match = DURATION.exec(text);
  if (match === null) throw malformed('"wait" must be a time such as 30s, 500ms or 1m.', '/wait');
  return Number(match[1]) * UNITS[(match[2] ?? 's') as keyof typeof UNITS];
}

function flag(text: string | undefined, name: string, fallback: boolean): boolean {
  if (text === undefined) return fallback;
  if (text === 'true' || text === 'false') return text === 'true';
  throw malformed(`"${name}" must be true or false.`, `/${name}`);
}
