import { sendProblem } from '../../http/problem.filter';
import type { Settings } from '../../settings/settings';
import { takeOver, type Exchange } from '../exchange';
import type { Feed } from '../feed';
import type { FeedObserver } from '../feed-observer';
import type { FeedScheduler } from '../feed-scheduler';
import { instanceOf } from '../instance-headers';
import { malformed } from '../malformed';
import type { StreamRequest } from '../read/config-routes';
import type { SnapshotAnswers } from '../read/snapshot-answers';
import { writeNotModified } from '../read/snapshot-response';
import { SlicedTasks } from '../sliced-tasks';
import type { Since } from '../subscription';
import { ParkedRequest, type Answers } from './parked-request';

export interface LongPollParts {
  readonly feed: Feed;
  readonly observer: FeedObserver;
  readonly scheduler: FeedScheduler;
  readonly settings: Settings['feed'];
}

/** The feed as requests that are answered when there is something to say. */
export class LongPolls {
  private readonly answers: Answers;
  private readonly feed: Feed;
  private readonly observer: FeedObserver;
  private readonly maxWaitMs: number;

  constructor({ feed, observer, scheduler, settings }: LongPollParts, snapshots: SnapshotAnswers) {
    this.feed = feed;
    this.observer = observer;
    this.maxWaitMs = settings.maxWaitMs;
    const timeouts = new SlicedTasks(scheduler, settings.sliceMs);
    this.answers = {
      changed: (exchange, snapshot, done) => {
        const raw = takeOver(exchange);
        const isLarge = snapshot.body.length >= settings.largeMessageBytes;
        // A large one counts until the connection has taken it.
        if (isLarge) raw.response.once('close', done);
        void snapshots.write(raw, snapshot, snapshot.revision).then(isLarge ? undefined : done);
      },
      unchanged: (exchange, { etag, revision }) => writeNotModified(takeOver(exchange), etag, revision),
      refused: ({ request, reply }, error) => sendProblem(error, request, reply),
      soon: (task) => timeouts.add(task),
      random: Math.random,
    };
  }

  async park(exchange: Exchange, { target, admission, query }: StreamRequest): Promise<void> {
    const since = sinceOf(exchange.request.headers['if-none-match'], query.revision);
    const info = instanceOf(exchange.request.raw);
    const subscription = await this.feed.subscribe({ target, since, admission, deltas: false });
    const { socket } = exchange.request.raw;
    if (socket.destroyed) {
      subscription.close();
      return;
    }
    const parked = new ParkedRequest(subscription, exchange, this.answers, Math.min(query.waitMs ?? 0, this.maxWaitMs));
    const position = since?.etag === undefined ? undefined : { revision: since.revision, etag: since.etag };
    const instance = this.observer.connected(info.id, target, info, 'long-poll', position);
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

/** What the client has: the ETag says it exactly; the revision alone is enough for one that keeps no ETag. */
function sinceOf(ifNoneMatch: string | undefined, revision: number | undefined): Since | null {
  if (ifNoneMatch === undefined) return revision === undefined ? null : { revision };
  const [, etag] = /^(?:W\/)?("[\x21\x23-\x7e]*")$/.exec(ifNoneMatch.trim()) ?? [];
  if (etag === undefined) throw malformed('Together with "wait", "If-None-Match" must be the one ETag the client has.');
  return { revision: revision ?? 0, etag };
}
