import { ERROR_CODES, type ErrorCode, type ErrorKind } from './error-codes';

export interface DomainErrorOptions {
  /** RFC 6901 pointer into the input the error is about. */
  readonly pointer?: string;
  /** Further members of the problem document, e.g. `line` and `column`, or `base`, `theirs` and `yours`. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * A failure that the caller can understand: a stable code, and a sentence that says what happened, where, and what
 * to do. The edge (HTTP, sockets, the start-up message) translates it; anything else that is thrown is a defect of ours.
 */
export class DomainError extends Error {
  readonly pointer?: string;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(readonly code: ErrorCode, detail: string, options: DomainErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DomainError';
    this.pointer = options.pointer;
    this.extra = options.extra ?? {};
  }

  get kind(): ErrorKind {
    return ERROR_CODES[this.code].kind;
  }

  get title(): string {
    return ERROR_CODES[this.code].title;
  }
}
