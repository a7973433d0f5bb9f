import type { FastifyReply } from 'fastify';
import { DomainError } from '../../kernel/domain-error';
import type { Settings } from '../../settings/settings';
import { addressKeyOf } from '../client-address';
import { Buckets, type Rate } from './buckets';
import { Company, FairRate } from './fair-rate';

/** How much more than its rate a credential may use in one moment. */
const BURST_SECONDS = 2;

/** What counts how much each caller asks of this process. In memory, and each process for itself: what it protects is the process. */
export class RateLimits {
  /** Requests of the API, by credential. */
  readonly requests: FairRate;
  /** Requests of the data plane, by credential. */
  readonly reads: FairRate;
  /** Whatever comes without a credential that is known, by address. */
  private readonly strangers: Buckets;

  constructor({ requestsPerSecond, readsPerSecond, strangersPerMinute }: Settings['http']) {
    const company = new Company();
    this.requests = new FairRate({ perSecond: requestsPerSecond, burst: requestsPerSecond * BURST_SECONDS }, company);
    this.reads = new FairRate({ perSecond: readsPerSecond, burst: readsPerSecond * BURST_SECONDS }, company);
    this.strangers = new Buckets({ perSecond: strangersPerMinute / 60, burst: strangersPerMinute });
  }

  /** @throws DomainError `too_many_requests` */
  admitStranger(address: string): void {
    const waitMs = this.strangers.take(addressKeyOf(address));
    if (waitMs > 0) throw tooManyAtOnce('Too many requests without a valid credential have come from this address.', waitMs);
  }

  /** @throws DomainError `too_many_requests` */
  admitRead(credentialId: string): void {
    const waitMs = this.reads.take(credentialId);
    if (waitMs > 0) throw tooManyAtOnce('This credential asks for more than its share.', waitMs);
  }

  /** The same for the API, and tells the caller how much is left. */
  admitRequest(credentialId: string, reply: FastifyReply): void {
    const waitMs = this.requests.take(credentialId);
    void reply.headers(rateHeaders('requests', this.requests.rate, this.requests.left(credentialId), waitMs));
    if (waitMs > 0) throw tooManyAtOnce('This credential asks for more than its share.', waitMs);
  }
}

export function tooManyAtOnce(reason: string, waitMs: number): DomainError {
  const retryAfter = Math.ceil(waitMs / 1_000);
  return new DomainError('too_many_requests', `${reason} Try again in ${retryAfter} seconds.`, { extra: { retryAfter } });
}

/** As draft-ietf-httpapi-ratelimit-headers-10 has them: the quota in its window, and what is left until when. */
function rateHeaders(policy: string, { perSecond, burst }: Rate, left: number, waitMs: number): Record<string, string> {
  const window = Math.ceil(burst / perSecond);
  const resetSeconds = Math.max(Math.ceil(waitMs / 1_000), Math.ceil((burst - left) / perSecond));
  return { 'ratelimit-policy': `"${policy}";q=${burst};w=${window}`, ratelimit: `"${policy}";r=${left};t=${resetSeconds}` };
}
