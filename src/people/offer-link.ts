import type { EntityManager } from 'typeorm';
import { hashOf, newSecret } from '../access/secret';
import type { PersonLinkView } from './people.dto';
import { PersonLink, type LinkPurpose } from './person-link.entity';

const HOUR_MS = 3_600_000;
/** An invitation waits over a weekend. A reset is for somebody who is waiting for it. */
const LIFE_MS: Readonly<Record<LinkPurpose, number>> = { invitation: 72 * HOUR_MS, reset: 2 * HOUR_MS };

/**
 * A link with which the person sets a password, once; it takes the place of the one there was. The secret is behind a `#`,
 * so that it is in no log on its way. Where the server is reached is never taken from a request, which anybody can write.
 */
export async function offerLink(manager: EntityManager, personId: string, purpose: LinkPurpose, { now, publicUrl = '' }: { now: Date; publicUrl: string | undefined }): Promise<PersonLinkView> {
  const secret = newSecret('link');
  const expiresAt = new Date(now.getTime() + LIFE_MS[purpose]);
  await manager.upsert(PersonLink, { personId, purpose, secretHash: hashOf(secret), createdAt: now, expiresAt }, ['personId']);
  return { purpose, secret, url: `${publicUrl}/#${purpose}=${secret}`, expiresAt: expiresAt.toISOString() };
}
