import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { IncomingHttpHeaders } from 'node:http';
import '../http/needs';
import { RateLimits } from '../http/rate-limit/rate-limits';
import './access-guard';
import { Authenticator } from './authenticator';
import { basicPasswordOf, bearerOf } from './secret';

/** Wherever it stands in the cookies: it is only remembered or not here, and lets nobody in. */
const SESSION_SECRET = /tts_[A-Za-z0-9_-]+/;

/**
 * Counts requests, around the guard. In front of it whatever comes without a credential that is remembered, by its
 * address: to find out more would cost the database a question each. Who has a good credential is never kept out for
 * what others at the same address do. Behind it, requests of the API by their credential.
 */
@Injectable()
export class RateGuard {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly limits: RateLimits,
  ) {}

  installBefore(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (request, _reply, done) => {
      done(this.isNoStranger(request) ? undefined : faultOf(() => this.limits.admitStranger(request.ip)));
    });
  }

  installAfter(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (request, reply, done) => {
      const { credential } = request;
      done(credential === undefined ? undefined : faultOf(() => this.limits.admitRequest(credential.id, reply)));
    });
  }

  /** Where no credential is asked for, one changes nothing: it would not be counted behind the guard either. */
  private isNoStranger(request: FastifyRequest): boolean {
    return isHealthPage(request) || (request.routeOptions.config.access !== 'public' && this.isRemembered(request.headers));
  }

  private isRemembered(headers: IncomingHttpHeaders): boolean {
    const secret = headers.authorization === undefined ? SESSION_SECRET.exec(headers.cookie ?? '')?.[0] : bearerOf(headers) ?? basicPasswordOf(headers);
    return secret !== undefined && this.authenticator.remembers(secret);
  }
}

/** What balancers and orchestrators ask for, all from one address. */
function isHealthPage({ routeOptions: { config, url = '' } }: FastifyRequest): boolean {
  return config.access === 'public' && url.startsWith('/health/');
}

function faultOf(check: () => void): Error | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
