import { messageOf } from './errors.js';

/** Details that go with a log line; plain values. */
export interface LogFields {
  readonly [name: string]: unknown;
}

/**
 * Where the client writes what an operator should know. Any logger with these four methods fits; one whose arguments
 * come the other way round (pino) needs four short functions. What a logger throws is swallowed.
 *
 * @example
 * const logger: Logger = {
 *   debug: (message, fields) => pino.debug(fields, message),
 *   info: (message, fields) => pino.info(fields, message),
 *   warn: (message, fields) => pino.warn(fields, message),
 *   error: (message, fields) => pino.error(fields, message),
 * };
 */
export interface Logger {
  /** Each attempt to connect, each message. */
  debug(message: string, fields?: LogFields): void;
  /** Applied revisions, connected, reconnected. */
  info(message: string, fields?: LogFields): void;
  /** Refused revisions, lost connections, a disk copy that cannot be written or read. */
  warn(message: string, fields?: LogFields): void;
  /** Needs a person: rejected credentials, a listener that throws. */
  error(message: string, fields?: LogFields): void;
}

/** Warnings and errors to the console, nothing else. The default. */
export const consoleLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => console.warn(`[trimtab] ${message}`, ...(fields === undefined ? [] : [fields])),
  error: (message, fields) => console.error(`[trimtab] ${message}`, ...(fields === undefined ? [] : [fields])),
};

/** Says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** `logger`, but never throwing. */
export function fencedLogger(logger: Logger): Logger {
  const fence = (level: keyof Logger) => (message: string, fields?: LogFields) => {
    try {
      logger[level](message, fields);
    } catch {
      // A logger that fails must not take the configuration with it, and there is nowhere left to say so.
    }
  };
  return { debug: fence('debug'), info: fence('info'), warn: fence('warn'), error: fence('error') };
}

/** Calls a user's function; what it throws, now or as a rejected promise, is logged and goes no further. */
export function fenced(logger: Logger, what: string, call: () => unknown): void {
  const failed = (error: unknown) => logger.error(`${what} failed: ${messageOf(error)}`, { error });
  try {
    const result = call();
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}
