import { Injectable } from '@nestjs/common';
import type { CopiedState } from '../copy/copied';
import type { CopiedStateSource } from '../snapshots/copied-state-source';
import { copiedState } from './copied-facts';
import { Edge } from './edge';

/** What belongs into the disk copy of an edge besides its snapshots. */
@Injectable()
export class EdgeState implements CopiedStateSource {
  constructor(private readonly edge: Edge) {}

  /** Nothing before NATS was read: what is on disk is no worse then. */
  read(): CopiedState | undefined {
    const { origin, facts, log } = this.edge;
    return origin.followed ? copiedState(log, origin.position, facts) : undefined;
  }

  onChange(listener: () => void): () => void {
    const stops = [this.edge.credentials, this.edge.dataKeys].map((facts) => facts.onChange(() => Promise.resolve(listener())));
    return () => stops.forEach((stop) => stop());
  }
}
