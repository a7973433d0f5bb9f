import type { LoggerService } from '@nestjs/common';
import type { FastifyBaseLogger, FastifyServerOptions } from 'fastify';
import { withoutSecrets, withoutSecretText } from './redaction';
import type { Settings } from './settings/settings';

/** What Nest tells about its own assembly is of interest to nobody but us. */
const ASSEMBLY = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestApplication', 'WebSocketsController']);

type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

const STARTERS = new Set(['ExceptionHandler', 'NestApplication']);

/**
 * JSON lines on stderr, so that stdout stays for the person who started the server: level, time and message by name, the
 * process by host and pid. No line holds a secret or a value of anybody's configuration.
 */
export function logOptions({ logLevel }: Settings): FastifyServerOptions['logger'] {
  if (logLevel === 'silent') return false;
  return {
    level: logLevel,
    stream: process.stderr,
    messageKey: 'message',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (level) => ({ level }), log: withoutSecrets },
    serializers: { err: (error: Error) => describeError(error) },
    hooks: { streamWrite: withoutSecretText },
  };
}

interface ErrorLine {
  type: string;
  message: string;
  stack: string;
  [member: string]: unknown;
}

/** Deepest chain of causes that is told. */
const MAX_CAUSES = 4;

/**
 * What an error is, and nothing that hangs on it: the driver's errors carry the statement with its parameters, and those
 * are what somebody wrote into a document.
 */
export function describeError(error: Error, depth = 0): ErrorLine {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return {
    type: error.name,
    message: error.message,
    code: typeof code === 'string' ? code : undefined,
    stack: error.stack ?? '',
    cause: cause instanceof Error && depth < MAX_CAUSES ? describeError(cause, depth + 1) : undefined,
  };
}

/** Nest's log lines, written by Fastify's logger. */
export class NestLogger implements LoggerService {
  constructor(private readonly target: FastifyBaseLogger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.write(ASSEMBLY.has(contextOf(rest) ?? '') ? 'debug' : 'info', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    // What stops the start is also thrown to whoever starts, who reports it.
    if (STARTERS.has(contextOf(rest) ?? '')) return;
    this.write('error', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  private write(level: Level, message: unknown, rest: readonly unknown[]): void {
    const context = contextOf(rest);
    const stack = rest.length > 1 && typeof rest[0] === 'string' ? rest[0] : undefined;
    if (message instanceof Error) this.target[level]({ context, err: message }, message.message);
    else if (isStructured(message)) this.writeFields(level, context, message);
    else this.target[level]({ context, stack }, typeof message === 'string' ? message : JSON.stringify(message));
  }

  private writeFields(level: Level, context: string | undefined, { message, ...fields }: StructuredLine): void {
    this.target[level]({ context, ...fields }, message);
  }
}

/** A sentence with fields beside it, for whoever searches the log. */
interface StructuredLine {
  readonly message: string;
  readonly [field: string]: unknown;
}

function isStructured(message: unknown): message is StructuredLine {
  return typeof message === 'object' && message !== null && typeof (message as { message?: unknown }).message === 'string';
}

function contextOf(rest: readonly unknown[]): string | undefined {
  const last = rest.at(-1);
  return typeof last === 'string' ? last : undefined;
}
