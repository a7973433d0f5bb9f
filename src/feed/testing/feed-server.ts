import { fastify, type FastifyInstance } from 'fastify';
import type { AddressInfo } from 'node:net';
import { Authorities } from '../../access/authorities';
import type { Credential } from '../../access/credential';
import '../../http/needs';
import { RateLimits } from '../../http/rate-limit/rate-limits';
import { requestIdOf } from '../../http/request-id';
import { DomainError } from '../../kernel/domain-error';
import { systemClock } from '../../kernel/clock';
import { defaultSettings } from '../../settings/default-settings';
import type { Settings } from '../../settings/settings';
import { Door } from '../door';
import { Feed } from '../feed';
import { noObserver, type FeedObserver } from '../feed-observer';
import { eventLoopScheduler } from '../feed-scheduler';
import { FeedTransports } from '../feed-transports';
import { ReadAccess } from '../read-access';
import { FakeSource } from './fake-source';

export const TARGET = { service: 'orders', environment: 'production' };
export const ADMIN = 'admin-secret';
export const CLIENT_KEY = 'orders-key';
export const FOREIGN_KEY = 'billing-key';

/** Credentials in memory; the secret is the bearer itself. */
export class FakeAuthenticator {
  readonly credentials = new Map<string, Credential>([
    [ADMIN, { kind: 'token', id: 'admin', name: 'admin', grants: [{ role: 'admin', services: '*', environment: 'base' }] }],
    [CLIENT_KEY, { kind: 'client-key', id: 'orders', name: 'orders', service: 'orders', environment: 'base' }],
    [FOREIGN_KEY, { kind: 'client-key', id: 'billing', name: 'billing', service: 'billing', environment: 'base' }],
  ]);

  peek(bearer: string | undefined): Credential | undefined {
    return this.credentials.get(bearer ?? '');
  }

  async authenticate(bearer: string | undefined): Promise<Credential> {
    const credential = this.peek(bearer);
    if (credential === undefined) throw new DomainError('unauthenticated', 'The credential is unknown.');
    return credential;
  }
}

export interface FeedServer {
  readonly url: string;
  readonly port: number;
  readonly feed: Feed;
  readonly source: FakeSource;
  readonly authenticator: FakeAuthenticator;
  readonly fastify: FastifyInstance;
  close(): Promise<void>;
}

/** The feed with all its transports on a real socket, over snapshots and credentials in memory. */
export async function startFeedServer(overrides: Partial<Settings['feed']> = {}, observer: FeedObserver = noObserver): Promise<FeedServer> {
  const all = defaultSettings({ feed: overrides });
  const settings = all.feed;
  const limits = new RateLimits(all.http);
  const source = new FakeSource();
  const authenticator = new FakeAuthenticator();
  const scheduler = eventLoopScheduler;
  const feed = new Feed(source, settings, scheduler, systemClock);
  const access = new ReadAccess(authenticator, new Authorities({ of: (environment) => ['base', environment], read: async (environment) => ['base', environment] }), limits);
  const transports = new FeedTransports({ feed, source, access, observer, scheduler, settings, door: new Door(all, limits) });
  const server = fastify({ genReqId: requestIdOf, forceCloseConnections: true });
  transports.register(server);
  transports.attach(server.server);
  await server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  const { port } = server.server.address() as AddressInfo;
  const close = async () => {
    await feed.drain(0);
    transports.close();
    feed.close();
    await server.close();
  };
  return { url: `http://127.0.0.1:${port}`, port, feed, source, authenticator, fastify: server, close };
}
