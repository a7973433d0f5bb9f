import { Injectable } from '@nestjs/common';
import { Registry } from 'prom-client';
import { Feed } from '../feed/feed';
import { Collected } from './collected';

/** What the feed has done, for whom, and what it still owes. */
@Injectable()
export class FeedMetrics {
  constructor(registry: Registry, feed: Feed) {
    const { counters } = feed;
    const collected = new Collected(registry);
    collected.gauges('trimtab_feed_connections', 'Clients connected, by transport.', 'transport', () => counters.connections);
    collected.counters('trimtab_feed_messages_total', 'Messages sent to clients, by type.', 'type', () => counters.sent);
    collected.gauge('trimtab_feed_admissions_waiting', 'New connections that wait for their turn.', () => counters.admissions.waiting);
    collected.counters('trimtab_feed_admissions_total', 'New connections that were let in, and those that would have waited too long.', 'result', () => ({ admitted: counters.admissions.admitted, refused: counters.admissions.refused }));
    collected.gauges('trimtab_feed_large_messages', 'Clients that take a large message, and those that wait until it is their turn.', 'state', () => ({ under_way: counters.largeMessages.underWay, waiting: counters.largeMessages.waiting }));
    collected.counter('trimtab_feed_moved_total', 'Clients that left by themselves after they were asked to move.', () => counters.moved);
    collected.gauge('trimtab_feed_pending', 'Clients that do not have the newest snapshot yet.', () => feed.pending);
    collected.counter('trimtab_feed_stuck_total', 'Connections closed because the client took nothing for too long.', () => counters.stuck);
    collected.gauge('trimtab_feed_longest_slice_seconds', 'Longest time a broadcast held the event loop.', () => counters.longestSliceMs / 1_000);
  }
}
