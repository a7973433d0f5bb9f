import type { EntityManager } from 'typeorm';
import { prepared } from '../database/prepared';

/** The Postgres channel. What is sent on it means nothing: whoever is woken asks the tables. */
export const CHANNEL = 'trimtab';

export type Topic = 'log' | 'catalog' | 'access';

/**
 * Tells every process that something has changed, as part of the caller's transaction: nobody hears of it before the
 * commit, and nobody at all if there is none. The log is its own counter; the other topics have a row each, so that
 * a process that missed the notification still sees that it missed something.
 */
export async function announce(manager: EntityManager, topic: Topic): Promise<void> {
  if (topic === 'log') {
    await prepared(manager, 'announce', 'SELECT pg_notify($1, $2)', [CHANNEL, topic]);
    return;
  }
  await manager.query(
    `WITH counted AS (
       INSERT INTO topic_counter (topic, value) VALUES ($2, 1)
       ON CONFLICT (topic) DO UPDATE SET value = topic_counter.value + 1
     )
     SELECT pg_notify($1, $2)`,
    [CHANNEL, topic],
  );
}
