import { type BeforeApplicationShutdown, Global, Logger, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { version } from '../../package.json';
import { FEED_OBSERVER } from '../feed/feed-observer';
import { InstanceFlusher } from '../instances/instance-flusher';
import { InstanceRegistry } from '../instances/instance-registry';
import { CLOCK, type Clock } from '../kernel/clock';
import { LeaseKeeper } from '../replicas/lease-keeper';
import { SETTINGS, type Settings } from '../settings/settings';
import { Edge } from './edge';

/** Who is connected to this edge, told to the replicas. Global, because the feed asks for its observer by a token. */
@Global()
@Module({
  providers: [
    InstanceRegistry,
    { provide: FEED_OBSERVER, useExisting: InstanceRegistry },
    {
      provide: LeaseKeeper,
      inject: [Edge, InstanceRegistry, SETTINGS, CLOCK],
      useFactory: (edge: Edge, registry: InstanceRegistry, { replica: { leaseMs } }: Settings, clock: Clock) => {
        const identity = { id: randomUUID(), kind: 'edge' as const, host: hostname(), pid: process.pid, version, startedAt: clock.now() };
        const status = () => ({ position: edge.origin.position, connections: registry.size, listening: edge.following });
        return new LeaseKeeper({ book: edge.book, identity, status, leaseMs, onFailure: warn('The lease of this edge could not be renewed.') });
      },
    },
    {
      provide: InstanceFlusher,
      inject: [Edge, InstanceRegistry, LeaseKeeper, SETTINGS],
      useFactory: ({ book }: Edge, registry: InstanceRegistry, leases: LeaseKeeper, { instances, replica }: Settings) =>
        new InstanceFlusher({ registry, writer: book, leases, intervalMs: instances.flushIntervalMs, timeLimitMs: replica.leaseMs, onFailure: warn('Instances could not be told to the replicas.') }),
    },
  ],
  exports: [FEED_OBSERVER, InstanceRegistry],
})
export class EdgeInstancesModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly keeper: LeaseKeeper,
    private readonly flusher: InstanceFlusher,
    private readonly registry: InstanceRegistry,
    private readonly edge: Edge,
  ) {}

  onApplicationBootstrap(): void {
    this.keeper.start();
  }

  /** After the feed has said good-bye, and before NATS is let go. */
  async beforeApplicationShutdown(): Promise<void> {
    this.registry.close();
    await this.flusher.stop();
    await this.keeper.stop();
    await this.edge.close();
  }
}

function warn(what: string): (error: unknown) => void {
  const logger = new Logger(LeaseKeeper.name);
  return (error) => logger.warn(`${what} ${error instanceof Error ? error.message : String(error)} Trying again.`);
}
