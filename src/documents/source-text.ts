import { DomainError } from '../kernel/domain-error';
import type { ErrorCode } from '../kernel/error-codes';
import type { DocumentLimits } from './document-type';

export const BYTE_ORDER_MARK = '\uFEFF';

export function withoutMark(source: string): string {
  return source.startsWith(BYTE_ORDER_MARK) ? source.slice(1) : source;
}

/** Checks size and encoding before anything else reads the bytes. A byte order mark stays in the text. */
export function decodeSource(bytes: Uint8Array, limits: Pick<DocumentLimits, 'maxBytes'>): string {
  assertSize(bytes.byteLength, limits);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const offset = firstInvalidByte(bytes);
    throw new DomainError('invalid_utf8', `Byte ${offset} is not part of valid UTF-8. Save the file as UTF-8 and send it again.`, { extra: { offset }, cause });
  }
}

export function assertSize(bytes: number, { maxBytes }: Pick<DocumentLimits, 'maxBytes'>): void {
  if (bytes <= maxBytes) return;
  throw new DomainError('document_too_large', `The document has ${bytes} bytes; at most ${maxBytes} are allowed. Split it into several documents.`, { extra: { bytes, maxBytes } });
}

/** Decoded leniently and encoded again, everything before the first fault comes out as it went in. */
function firstInvalidByte(bytes: Uint8Array): number {
  const lenient = Buffer.from(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
  const offset = bytes.findIndex((byte, index) => lenient[index] !== byte);
  return offset === -1 ? bytes.byteLength : offset;
}

export interface Place {
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 code units, as editors count. */
  readonly column: number;
}

/** Turns offsets into lines and columns. */
export class LineMap {
  private readonly starts: number[] = [0];

  constructor(text: string) {
    for (let index = text.indexOf('\n'); index !== -1; index = text.indexOf('\n', index + 1)) this.starts.push(index + 1);
  }

  at(offset: number): Place {
    let [low, high] = [0, this.starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.starts[low] as number) + 1 };
  }
}

/** An error that names its place both in the sentence and as members a program can read. */
export function errorAt(code: ErrorCode, place: Place, sentence: string, cause?: unknown): DomainError {
  return new DomainError(code, `Line ${place.line}, column ${place.column}: ${sentence}`, { extra: { ...place }, cause });
}

export function duplicateKey(key: string, first: Place, second: Place): DomainError {
  return new DomainError('duplicate_key', `'${key}' is set on line ${first.line} and again on line ${second.line}. Remove one of them.`, {
    extra: { ...second, key, lines: [first.line, second.line] },
  });
}
