import { Injectable } from '@nestjs/common';
import { Shutdown } from '../health/shutdown';
import type { Revision } from '../kernel/revision';
import { Edge } from './edge';

export interface EdgeReport {
  readonly status: 'ready' | 'not-ready';
  readonly checks: {
    readonly nats: 'up' | 'down';
    /** Whether what is published is seen here at once. */
    readonly following: boolean;
    /** The revision that clients are served here; null before anything was read. */
    readonly position: Revision | null;
    readonly shuttingDown: boolean;
  };
}

/**
 * Whether this edge should be sent requests. One that has lost NATS goes on with what it knows: all edges of a region
 * lose it together, and a balancer that took them all out would turn a delay into an outage.
 */
@Injectable()
export class EdgeReadiness {
  constructor(
    private readonly edge: Edge,
    private readonly shutdown: Shutdown,
  ) {}

  report(): EdgeReport {
    const { connected, following, origin } = this.edge;
    const shuttingDown = this.shutdown.inProgress;
    return {
      status: origin.ready && !shuttingDown ? 'ready' : 'not-ready',
      checks: { nats: connected ? 'up' : 'down', following, position: origin.ready ? origin.position : null, shuttingDown },
    };
  }
}
