/** Replaces the text between two offsets. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** All offsets are into the original text. Undefined when two of them contradict each other. */
export function applySplices(text: string, splices: readonly Splice[]): string | undefined {
  // Stable: at one offset, what was planned first stands first, and insertions come before a removal.
  const ordered = splices.toSorted((left, right) => left.start - right.start || left.end - right.end);
  const parts: string[] = [];
  let offset = 0;
  for (const { start, end, text: replacement } of ordered) {
    if (start < offset) return undefined;
    parts.push(text.slice(offset, start), replacement);
    offset = end;
  }
  parts.push(text.slice(offset));
  return parts.join('');
}

export function lineStart(text: string, offset: number): number {
  // A negative position would be taken for the first one, where a line break may stand.
  return offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
}

/** Before the line break. */
export function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  if (end === -1) return text.length;
  return end > offset && text[end - 1] === '\r' ? end - 1 : end;
}

/** After the line break. */
export function nextLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end === -1 ? text.length : end + 1;
}

export function isBlank(text: string): boolean {
  return /^[ \t\r\n\f]*$/.test(text);
}
