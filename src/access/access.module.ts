import { Module, type NestModule } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { AccessGuard } from './access-guard';
import { Authenticator } from './authenticator';
import { Authorities } from './authorities';

/** Who is calling. Where credentials and environments come from is given by others, by tokens: a process need not have a database. */
@Module({ providers: [AccessGuard, Authenticator, Authorities], exports: [Authenticator, Authorities] })
export class AccessModule implements NestModule {
  constructor(
    private readonly guard: AccessGuard,
    private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** Nest calls this before it registers any route. */
  configure(): void {
    this.guard.install(this.adapterHost.httpAdapter.getInstance<FastifyInstance>());
  }
}
