import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DataSource } from 'typeorm';
import { recordAct } from '../audit/record-audit';
import '../http/needs';
import '../http/request-context';

/** Records who wanted to be shown a secret and was not, before they are told so. */
@Injectable()
export class RevealRefusals {
  constructor(private readonly dataSource: DataSource) {}

  install(fastify: FastifyInstance): void {
    fastify.addHook('onSend', (request, reply, payload, done) => {
      const { access } = request.routeOptions.config;
      if (reply.statusCode !== 403 || access === undefined || !access.startsWith('reveal ')) return done(null, payload);
      this.record(request).then(() => done(null, payload), (error: Error) => {
        // They are refused all the same.
        request.log.error({ err: error, requestId: request.id }, 'a refused reveal could not be recorded');
        done(null, payload);
      });
    });
  }

  private async record({ actor, params }: FastifyRequest): Promise<void> {
    if (actor === undefined) return;
    const { service, environment } = params as Readonly<Record<string, string>>;
    await recordAct(this.dataSource, { actor, action: 'secret.reveal-refused', subject: { service, environment } });
  }
}
