import type { FastifyRequest } from 'fastify';
import { SYSTEM_ACTOR, type Actor, type PersonName } from '../kernel/actor';
import type { Authority } from '../kernel/authority';

const MAX_USER_AGENT = 300;

/** Where a request of somebody comes from who is not known yet. */
export interface RequestOrigin {
  readonly address: string;
  readonly userAgent: string;
  readonly requestId: string;
}

export function originOf({ ip, headers, id }: FastifyRequest): RequestOrigin {
  const userAgent = (headers['user-agent'] ?? '').replace(/[^\x20-\x7e]/g, '').slice(0, MAX_USER_AGENT);
  return { address: ip, userAgent, requestId: id };
}

/** What the process does at the request of somebody it does not know. */
export function strangerOf({ address, requestId }: RequestOrigin): Actor {
  return { ...SYSTEM_ACTOR, address, requestId };
}

const NOTHING: Authority = {
  allows: () => false,
  allowsThroughout: () => false,
  allowsEverywhere: () => false,
  allowsSomewhere: () => false,
  allowsInEnvironment: () => false,
  layersWith: () => [],
};

/** Somebody in the very act of signing in: known by name, and asking for nothing yet. */
export function arrivingOf(person: PersonName, sessionId: string, { address, requestId }: RequestOrigin): Actor {
  return { kind: 'session', id: sessionId, name: person.name, person: { id: person.id, name: person.name }, authority: NOTHING, address, requestId };
}
