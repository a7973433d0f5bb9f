import { Inject, Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import '../http/needs';
import '../http/request-context';
import { DomainError } from '../kernel/domain-error';
import { Authenticator } from './authenticator';
import type { Credential } from './credential';
import { READ_LINEAGE, type ReadLineage } from './credential-store';
import { decide, type ReadTarget } from './decide';
import { basicPasswordOf, bearerOf } from './secret';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request was authenticated with. Absent on public routes. */
    credential: Credential | undefined;
  }
}

/**
 * Stands before every route, also those that are registered on Fastify directly: a hook and not a Nest guard, because
 * Nest's guards come after the body was read and parsed, and strangers' bodies are not worth that.
 */
@Injectable()
export class AccessGuard {
  constructor(
    private readonly authenticator: Authenticator,
    @Inject(READ_LINEAGE) private readonly readLineage: ReadLineage,
  ) {}

  install(fastify: FastifyInstance): void {
    fastify.decorateRequest('credential', undefined);
    fastify.addHook('onRequest', (request, reply, done) => {
      const { access } = request.routeOptions.config;
      if (access === 'public' || access === 'self' || request.is404) return done();
      if (access === 'browse') return void this.admitBrowser(request, reply).then(() => done(), done);
      // `undefined` cannot happen (the server does not start with such a route), and would mean admin.
      this.admit(request, access ?? 'admin').then(() => done(), done);
    });
  }

  private async admitBrowser(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    try {
      request.credential = await this.authenticator.authenticate(bearerOf(request.headers) ?? basicPasswordOf(request.headers));
    } catch (error) {
      // Makes a browser ask for a password.
      if (error instanceof DomainError && error.kind === 'unauthenticated') void reply.header('www-authenticate', 'Basic realm="trimtab: the password is a token"');
      throw error;
    }
  }

  private async admit(request: FastifyRequest, need: 'admin' | 'read'): Promise<void> {
    const credential = await this.authenticator.authenticate(bearerOf(request.headers));
    const target = credential.kind === 'client-key' && need === 'read' ? await this.targetOf(request) : undefined;
    decide(credential, need, target);
    request.credential = credential;
    request.actor = { kind: credential.kind, id: credential.id, name: credential.name, requestId: request.id, traceparent: request.traceparent };
  }

  private async targetOf({ params }: FastifyRequest): Promise<ReadTarget | undefined> {
    const { service, environment } = params as Readonly<Record<string, string | undefined>>;
    if (service === undefined || environment === undefined) return undefined;
    return { service, environmentLineage: await this.readLineage(environment) };
  }
}
