import type { Clock } from '../kernel/clock';
import type { LayerName } from '../kernel/names';
import { closing } from './encoded-message';
import type { Subscription } from './subscription';

/** What let a connection in. */
export interface Admission {
  /** Of the credential. */
  readonly id: string;
  /** Of the secret it came with: a connection ends with the secret that opened it. */
  readonly hash?: string;
  readonly expiresAt?: Date | null;
}

interface Holder {
  readonly expiresAt: number;
  readonly subscriptions: Set<Subscription>;
}

/** Which connection was let in by which secret of which credential, to end it with that. */
export class CredentialWatch {
  private readonly holders = new Map<string, Holder>();

  constructor(private readonly clock: Clock) {}

  add({ expiresAt }: Admission, subscription: Subscription): void {
    const { admittedBy } = subscription;
    let holder = this.holders.get(admittedBy);
    if (holder === undefined) {
      holder = { expiresAt: expiresAt?.getTime() ?? Infinity, subscriptions: new Set() };
      this.holders.set(admittedBy, holder);
    }
    holder.subscriptions.add(subscription);
  }

  delete(subscription: Subscription): void {
    const { admittedBy } = subscription;
    const holder = this.holders.get(admittedBy);
    if (holder?.subscriptions.delete(subscription) && holder.subscriptions.size === 0) this.holders.delete(admittedBy);
  }

  revoke(stillAllowed: (admittedBy: string, target: LayerName) => boolean): void {
    for (const [admittedBy, { subscriptions }] of [...this.holders]) {
      endAll([...subscriptions].filter(({ channel: { target } }) => !stillAllowed(admittedBy, target)), 'The credential of this connection was revoked, or does not cover it any more.');
    }
  }

  expire(): void {
    const now = this.clock.now().getTime();
    for (const { expiresAt, subscriptions } of [...this.holders.values()]) {
      if (expiresAt <= now) endAll(subscriptions, 'The credential of this connection has expired.');
    }
  }
}

function endAll(subscriptions: Iterable<Subscription>, detail: string): void {
  const message = closing('unauthenticated', detail, false);
  for (const subscription of [...subscriptions]) subscription.end(message);
}
