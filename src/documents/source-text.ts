import { DomainError } from '../kernel/domain-error';
import type { ErrorCode } from '../kernel/error-codes';
import type { DocumentLimits } from './document-type';

export const BYTE_ORDER_MARK = '\uFEFF';

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

function firstInvalidByte(bytes: Uint8Array): number {
  // Decoding with replacement is lossless up to the first fault, so a binary search over prefixes finds it.
  let [valid, invalid] = [0, bytes.byteLength];
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1;
    if (isValid(bytes.subarray(0, middle), { stream: true })) valid = middle;
    else invalid = middle;
  }
  // A sequence may have begun before the byte that does not continue it.
  let first = isValid(bytes, { stream: true }) ? bytes.byteLength : valid;
  while (first > 0 && !isValid(bytes.subarray(0, first), { stream: false })) first -= 1;
  return first;
}

function isValid(bytes: Uint8Array, options: { stream: boolean }): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, options);
    return true;
  } catch {
    return false;
  }
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
