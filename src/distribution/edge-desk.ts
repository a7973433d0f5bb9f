import type { NatsConnection } from '@nats-io/transport-node';
import type { InstanceWriter } from '../instances/instance';
import { EDGE_VERBS, edgeSubject, type EdgeAnswer, type EdgeVerb } from '../nats/edge-subjects';
import type { LeaseBook } from '../replicas/lease-book';

/** Replicas share the work: each request goes to one of them. */
const QUEUE = 'trimtab-replicas';

/** Writes into Postgres what edges have to say of themselves and of their instances. */
export class EdgeDesk {
  private readonly stops: (() => void)[];

  constructor(
    nc: NatsConnection,
    bucket: string,
    private readonly leases: LeaseBook,
    private readonly instances: InstanceWriter,
  ) {
    this.stops = EDGE_VERBS.map((verb) => {
      const subscription = nc.subscribe(edgeSubject(bucket, verb), {
        queue: QUEUE,
        callback: (error, message) => {
          if (error === null) void this.answer(verb, message.string()).then((answer) => message.respond(JSON.stringify(answer)));
        },
      });
      return () => subscription.unsubscribe();
    });
  }

  stop(): void {
    for (const stop of this.stops) stop();
  }

  private async answer(verb: EdgeVerb, text: string): Promise<EdgeAnswer> {
    try {
      return { result: await this.call(verb, JSON.parse(text) as never) };
    } catch (error) {
      return { failure: error instanceof Error ? error.message : String(error) };
    }
  }

  /** JSON has made texts of moments, which the database takes as well. */
  private call(verb: EdgeVerb, values: [string, never, never]): Promise<unknown> {
    switch (verb) {
      case 'register':
        return this.leases.register(...values);
      case 'renew':
        return this.leases.renew(...(values as unknown as [string, never]));
      case 'end':
        return this.leases.end(values[0]);
      case 'write':
        return this.instances.write(...(values as unknown as [string, never]));
      case 'complete':
        return this.instances.complete(values[0]);
    }
  }
}
