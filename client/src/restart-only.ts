import { isPlain, reconcile } from './reconcile.js';
import { parsePath, readPath } from './read-path.js';

type Container = { [key: string]: unknown };

/**
 * Keys that only a restart can change. The process keeps the values it started with; what the newest revision has
 * instead is said, not shown.
 */
export class RestartOnly {
  readonly #paths: readonly { readonly text: string; readonly segments: readonly string[] }[];
  /** The value of each path when the process started; only those, so that the rest of that snapshot can go. */
  #started: readonly unknown[] | undefined;

  constructor(paths: readonly string[]) {
    this.#paths = paths.map((text) => ({ text, segments: parsePath(text) }));
  }

  /** The value to show for `next`, and the paths whose new value waits for a restart. */
  hold(next: unknown): { readonly value: unknown; readonly waiting: readonly string[] } {
    const waiting: string[] = [];
    let value = next;
    for (const [index, { text, segments }] of this.#paths.entries()) {
      if (this.#started === undefined) break;
      const kept = this.#started[index];
      const wanted = readPath(next, segments);
      if (Object.is(reconcile(kept, wanted, false), kept)) continue;
      waiting.push(text);
      value = withValue(value, segments, 0, kept);
    }
    return { value, waiting };
  }

  /** Fixes the values of the first config the process has; later calls change nothing. */
  start(value: unknown): void {
    this.#started ??= this.#paths.map(({ segments }) => readPath(value, segments));
  }
}

// A copy of `node` in which the path holds `kept`, or is not there when `kept` is undefined.
function withValue(node: unknown, segments: readonly string[], depth: number, kept: unknown): unknown {
  const segment = segments[depth];
  if (segment === undefined) return kept;
  if (Array.isArray(node)) {
    const index = Number(segment);
    return node.map((item, at) => (at === index ? withValue(item, segments, depth + 1, kept) : item));
  }
  const container = typeof node === 'object' && node !== null && isPlain(node) ? (node as Container) : {};
  const entries = Object.entries(container).filter(([key]) => key !== segment);
  const below = Object.hasOwn(container, segment) ? container[segment] : undefined;
  const value = withValue(below, segments, depth + 1, kept);
  return Object.fromEntries(value === undefined ? entries : [...entries, [segment, value]]);
}
