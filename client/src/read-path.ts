/** The segments of a path as `get` takes it: dotted, or an RFC 6901 pointer when it begins with a slash. */
export function parsePath(path: string): readonly string[] {
  if (path === '') return [];
  if (!path.startsWith('/')) return path.split('.');
  return path
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The path as `get` takes it: dotted, or a pointer where a segment holds a dot, is empty or begins with a slash. */
export function formatPath(segments: readonly string[]): string {
  if (segments.every((segment) => segment !== '' && !segment.includes('.') && !segment.startsWith('/'))) {
    return segments.join('.');
  }
  return segments.map((segment) => `/${segment.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** The value below `root`, or undefined. Only own properties count, so `__proto__` and `constructor` are plain keys. */
export function readPath(root: unknown, segments: readonly string[]): unknown {
  let node = root;
  for (const segment of segments) {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, segment)) return undefined;
    node = (node as { readonly [key: string]: unknown })[segment];
  }
  return node;
}
