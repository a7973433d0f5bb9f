import type { InstanceBatch, InstanceWriter } from '../instances/instance';
import { edgeSubject, type EdgeAnswer, type EdgeVerb } from '../nats/edge-subjects';
import type { NatsLink } from '../nats/nats-link';
import type { LeaseBook, ReplicaIdentity, ReplicaStatus } from '../replicas/lease-book';

const TIMEOUT_MS = 5_000;
/** Below what a server takes as one message unless it is told otherwise, with room for headers. */
const MAX_REQUEST_BYTES = 768 * 1024;

/** The lease of this edge and its instances, written by whichever replica answers over NATS. */
export class RemoteBook implements LeaseBook, InstanceWriter {
  constructor(
    private readonly link: NatsLink,
    private readonly bucket: string,
  ) {}

  async register(lease: string, identity: ReplicaIdentity, status: ReplicaStatus): Promise<void> {
    await this.ask('register', lease, identity, status);
  }

  async renew(lease: string, status: ReplicaStatus): Promise<boolean> {
    return (await this.ask('renew', lease, status)) === true;
  }

  async end(lease: string): Promise<void> {
    await this.ask('end', lease);
  }

  async complete(lease: string): Promise<void> {
    await this.ask('complete', lease);
  }

  async write(lease: string, batch: InstanceBatch): Promise<boolean> {
    const { present, gone } = batch;
    if (present.length > 1 && JSON.stringify(batch).length > MAX_REQUEST_BYTES) {
      const half = present.length >> 1;
      return (await this.write(lease, { present: present.slice(0, half), gone })) && this.write(lease, { present: present.slice(half), gone: [] });
    }
    return (await this.ask('write', lease, batch)) === true;
  }

  private async ask(verb: EdgeVerb, ...values: unknown[]): Promise<unknown> {
    if (!this.link.connected) throw new Error('There is no connection to NATS.');
    const nc = await this.link.use();
    const message = await nc.request(edgeSubject(this.bucket, verb), JSON.stringify(values), { timeout: TIMEOUT_MS });
    const answer = message.json<EdgeAnswer>();
    if ('failure' in answer) throw new Error(answer.failure);
    return answer.result;
  }
}
