import { Module, type NestModule } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { RateLimits } from '../http/rate-limit/rate-limits';
import { SETTINGS, type Settings } from '../settings/settings';
import { AccessGuard } from './access-guard';
import { Authenticator } from './authenticator';
import { Authorities } from './authorities';
import { CookieSessions } from './cookie-sessions';
import { RateGuard } from './rate-guard';

const RATE_LIMITS = { provide: RateLimits, inject: [SETTINGS], useFactory: ({ http }: Settings) => new RateLimits(http) };

/** Who is calling. Where credentials and environments come from is given by others, by tokens: a process need not have a database. */
@Module({ providers: [AccessGuard, RateGuard, Authenticator, Authorities, CookieSessions, RATE_LIMITS], exports: [Authenticator, Authorities, RateLimits] })
export class AccessModule implements NestModule {
  constructor(
    private readonly guard: AccessGuard,
    private readonly rates: RateGuard,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** Nest calls this before it registers any route. */
  configure(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance<FastifyInstance>();
    this.rates.installBefore(fastify);
    this.guard.install(fastify);
    this.rates.installAfter(fastify);
  }
}
