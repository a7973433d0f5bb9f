import { formatPath } from './read-path.js';
import { isPlain } from './reconcile.js';

/**
 * Where two reconciled values differ, leaf by leaf (an array counts as one leaf), as paths that `get` takes. Parts of
 * the same identity are skipped, so the cost is that of the difference.
 */
export function changedPaths(previous: unknown, next: unknown, base: readonly string[]): readonly string[] {
  const paths: string[] = [];
  collect(previous, next, base, paths);
  return paths;
}

function collect(previous: unknown, next: unknown, at: readonly string[], paths: string[]): void {
  if (Object.is(previous, next)) return;
  // What was not there, or is gone, counts leaf by leaf as well; a scalar in place of an object is one change.
  const before = previous === undefined ? {} : previous;
  const after = next === undefined ? {} : next;
  if (!isRecord(before) || !isRecord(after)) {
    paths.push(formatPath(at));
    return;
  }
  const found = paths.length;
  for (const key of Object.keys(before)) collect(before[key], Object.hasOwn(after, key) ? after[key] : undefined, [...at, key], paths);
  for (const key of Object.keys(after)) {
    if (!Object.hasOwn(before, key)) collect(undefined, after[key], [...at, key], paths);
  }
  // `{}` in place of nothing: no leaf differs, but the value does.
  if (paths.length === found) paths.push(formatPath(at));
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && isPlain(value);
}
