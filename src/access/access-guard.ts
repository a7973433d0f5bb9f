import { Inject, Injectable, Optional } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Need, Where } from '../http/needs';
import '../http/request-context';
import type { Actor } from '../kernel/actor';
import type { Authority, Permission } from '../kernel/authority';
import { DomainError } from '../kernel/domain-error';
import { LABEL_PATTERN, ROOT_ENVIRONMENT } from '../kernel/names';
import { Authenticator } from './authenticator';
import { Authorities } from './authorities';
import { CHANGE_LAYERS, type ChangeLayers } from './change-layers';
import type { Credential } from './credential';
import { CookieSessions } from './cookie-sessions';
import { forbidden, requireAllowed } from './decide';
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
    private readonly authorities: Authorities,
    private readonly cookieSessions: CookieSessions,
    @Optional() @Inject(CHANGE_LAYERS) private readonly changeLayers?: ChangeLayers,
  ) {}

  install(fastify: FastifyInstance): void {
    fastify.decorateRequest('credential', undefined);
    fastify.addHook('onRequest', (request, reply, done) => {
      const { access, basic } = request.routeOptions.config;
      if (access === 'public' || access === 'self' || request.is404) return done();
      this.admit(request).then(
        () => done(),
        (error: Error) => {
          // Makes a browser ask for a password.
          if (basic === true && isUnauthenticated(error)) void reply.header('www-authenticate', BASIC);
          done(error);
        },
      );
    });
  }

  private async admit(request: FastifyRequest): Promise<void> {
    // `undefined` cannot happen (the server does not start with such a route), and would mean the most.
    const { access = 'administer everywhere', basic } = request.routeOptions.config;
    const credential = (await this.cookieSessions.authenticate(request)) ?? (await this.authenticator.authenticate(bearerOf(request.headers) ?? (basic === true ? basicPasswordOf(request.headers) : undefined)));
    request.credential = credential;
    const actor = actorOf(credential, this.authorities.of(credential), request);
    request.actor = actor;
    if (access === 'browse' || access === 'public' || access === 'self') return;
    if (credential.kind === 'client-key') throw new DomainError('forbidden', 'A client key reads the configuration of its service under /v1/config, and nothing else.');
    if (access !== 'signed-in') await this.require(access, actor, request);
  }

  private async require(need: Need, actor: Actor, request: FastifyRequest): Promise<void> {
    const { authority } = actor;
    const [permission, where] = need.split(' ') as [Permission, Where];
    const { service, environment, id } = namesIn(request);
    // So that one that was only just created elsewhere is known, before anything is decided on it.
    if (environment !== undefined) await this.authorities.learn(environment);
    const isAllowed = ((): boolean => {
      switch (where) {
        case 'layer': return authority.allows(permission, { service: service ?? '', environment: environment ?? '' });
        case 'service': return authority.allowsSomewhere(permission, service ?? '');
        case 'whole-service': return authority.allows(permission, { service: service ?? '', environment: ROOT_ENVIRONMENT });
        case 'environment': return authority.allowsInEnvironment(permission, environment ?? '');
        case 'change':
        case 'somewhere': return authority.allowsSomewhere(permission);
        case 'everywhere': return authority.allowsEverywhere(permission);
      }
    })();
    if (!isAllowed) throw forbidden(permission, WHERE[where]);
    if (where !== 'change') return;
    await this.changeLayers!.require(actor, permission, id ?? '');
    if (service !== undefined && environment !== undefined) requireAllowed(authority, permission, [{ service, environment }]);
  }
}

function actorOf({ kind, id, name, person, isPrevious }: Credential, authority: Authority, { id: requestId, ip: address, traceparent }: FastifyRequest): Actor {
  return { kind, id, name, person, isPrevious, authority, requestId, address, traceparent };
}

const BASIC = 'Basic realm="trimtab: the password is a token"';

const WHERE: Readonly<Record<Where, string>> = {
  layer: 'on this service in this environment',
  service: 'on this service',
  'whole-service': 'on this service in every environment',
  environment: 'in this environment',
  change: 'on every layer the change touches',
  somewhere: 'on some service',
  everywhere: 'on every service in every environment',
};

function isUnauthenticated(error: unknown): boolean {
  return error instanceof DomainError && error.kind === 'unauthenticated';
}

/** The names in the path, as they will be looked up: another spelling is refused before anything is decided on it. */
function namesIn({ params }: FastifyRequest): Readonly<Partial<Record<'service' | 'environment' | 'id', string>>> {
  const { service, environment, id } = params as Readonly<Record<string, string | undefined>>;
  for (const [parameter, name] of Object.entries({ service, environment })) {
    if (name === undefined || LABEL_PATTERN.test(name)) continue;
    throw new DomainError('malformed_request', `'${parameter}' in the path is not a name: 1 to 63 lower case letters, digits and hyphens.`, { pointer: `/${parameter}` });
  }
  return { ...(service === undefined ? {} : { service }), ...(environment === undefined ? {} : { environment }), ...(id === undefined ? {} : { id }) };
}
