import type { LoggerService } from '@nestjs/common';
import type { FastifyBaseLogger, FastifyServerOptions } from 'fastify';
import type { Settings } from './settings/settings';

/** What Nest tells about its own assembly is of interest to nobody but us. */
const ASSEMBLY = new Set(['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestApplication', 'WebSocketsController']);

const STARTERS = new Set(['ExceptionHandler', 'NestApplication']);

/** JSON lines on stderr, so that stdout stays for the person who started the server. No line holds a secret. */
export function logOptions({ logLevel }: Settings): FastifyServerOptions['logger'] {
  if (logLevel === 'silent') return false;
  const headers = ['authorization', 'cookie', 'set-cookie', 'proxy-authorization'];
  const paths = headers.flatMap((name) => [`headers["${name}"]`, `*.headers["${name}"]`]);
  return { level: logLevel, stream: process.stderr, redact: { paths, censor: '[redacted]' } };
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

  private write(level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal', message: unknown, rest: readonly unknown[]): void {
    const context = contextOf(rest);
    const stack = rest.length > 1 && typeof rest[0] === 'string' ? rest[0] : undefined;
    if (message instanceof Error) this.target[level]({ context, err: message }, message.message);
    else this.target[level]({ context, stack }, typeof message === 'string' ? message : JSON.stringify(message));
  }
}

function contextOf(rest: readonly unknown[]): string | undefined {
  const last = rest.at(-1);
  return typeof last === 'string' ? last : undefined;
}
