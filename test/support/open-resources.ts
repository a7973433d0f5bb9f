const open = new Set<string>();
let count = 0;

/** Notes something a spec has to close; returns how to say that it is closed. `no-leaks.ts` fails the file otherwise. */
export function opened(what: string): () => void {
  const label = `${what} #${++count}`;
  open.add(label);
  return () => open.delete(label);
}

export function stillOpen(): readonly string[] {
  return [...open];
}
