import { Module, type NestModule } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { NotifyModule } from '../notify/notify.module';
import { AccessGuard } from './access-guard';
import { Authenticator } from './authenticator';
import { ClientKeysController } from './client-keys.controller';
import { CredentialsService } from './credentials.service';
import { TokensController } from './tokens.controller';

@Module({
  imports: [NotifyModule],
  controllers: [TokensController, ClientKeysController],
  providers: [AccessGuard, Authenticator, CredentialsService],
  exports: [Authenticator],
})
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
