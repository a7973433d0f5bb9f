/**
 * What went wrong, for code to branch on:
 * - `invalid_options`: an option given to `connect` cannot be right; the message names it.
 * - `not_started`: no source had a config that could be applied; the message says what was wrong with each.
 * - `prepare_failed`: a resource could not be prepared for the config of the moment.
 * - `closed`: the config was closed before the call, or while it was under way.
 */
export type TrimtabErrorCode = 'invalid_options' | 'not_started' | 'prepare_failed' | 'closed';

/**
 * The only error this library throws at its caller.
 *
 * @example
 * try {
 *   config = await connect(options);
 * } catch (error) {
 *   if (error instanceof TrimtabError && error.code === 'not_started') process.exit(78);
 *   throw error;
 * }
 */
export class TrimtabError extends Error {
  constructor(
    /** Stable; see {@link TrimtabErrorCode}. */
    readonly code: TrimtabErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'TrimtabError';
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
