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

type StillAllowed = (admittedBy: string, target: LayerName) => boolean;

interface Holder {
  readonly expiresAt: number;
  readonly subscriptions: Set<Subscription>;
}

export const REVOKED = 'The credential of this connection was revoked, or does not cover it any more.';

/** Which connection was let in by which secret of which credential, to end it with that. */
export class CredentialWatch {
  private readonly holders = new Map<string, Holder>();
  private stillAllowed: StillAllowed = () => true;
  /** Grows whenever anything may have been taken away. */
  private revocations = 0;

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

  /** For one who is about to be let in: tells afterwards whether what let them in was taken away meanwhile. */
  arrival({ id, hash = id }: Admission, target: LayerName): () => boolean {
    const { revocations } = this;
    return () => revocations === this.revocations || this.stillAllowed(hash, target);
  }

  revoke(stillAllowed: StillAllowed): void {
    this.stillAllowed = stillAllowed;
    this.revocations += 1;
    for (const [admittedBy, { subscriptions }] of [...this.holders]) {
      endAll([...subscriptions].filter(({ channel: { target } }) => !stillAllowed(admittedBy, target)), REVOKED);
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
