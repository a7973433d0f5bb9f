import { randomUUID } from 'node:crypto';
import type { LayerName } from '../../kernel/names';
import { sendProblem } from '../../http/problem.filter';
import type { Admission } from '../credential-watch';
import type { Exchange } from '../exchange';
import type { Feed } from '../feed';
import type { FeedObserver } from '../feed-observer';
import { writeNotModified, writeSnapshot } from '../read/snapshot-response';
import type { Since } from '../subscription';
import { ParkedRequest, type Answers } from './parked-request';

/** The feed as requests that are answered when there is something to say. */
export class LongPolls {
  private readonly answers: Answers;

  constructor(
    private readonly feed: Feed,
    private readonly observer: FeedObserver,
    private readonly maxWaitMs: number,
  ) {
    this.answers = {
      changed: (exchange, snapshot) => writeSnapshot(exchange, snapshot, this.feed.revision),
      unchanged: (exchange, etag) => writeNotModified(exchange, etag, this.feed.revision),
      refused: ({ request, reply }, error) => sendProblem(error, request, reply),
    };
  }

  async park(exchange: Exchange, target: LayerName, admission: Admission, since: Since, waitMs: number): Promise<void> {
    const subscription = await this.feed.subscribe({ target, since, admission, deltas: false });
    const { socket } = exchange.request.raw;
    if (socket.destroyed) {
      subscription.close();
      return;
    }
    const parked = new ParkedRequest(subscription, exchange, this.answers, Math.min(waitMs, this.maxWaitMs));
    const id = randomUUID();
    const position = since.etag === undefined ? undefined : { revision: since.revision, etag: since.etag };
    const instance = this.observer.connected(id, target, { id }, 'long-poll', position);
    const { connections } = this.feed.counters;
    const hungUp = () => parked.gone();
    connections['long-poll'] += 1;
    socket.once('close', hungUp);
    parked.onAnswered = () => {
      connections['long-poll'] -= 1;
      socket.off('close', hungUp);
      instance.gone();
    };
    subscription.start(parked);
  }
}
