import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { ReleaseLog, type Commit } from '../../releases/release-log';
import { SPANS, type Spans } from './spans';
import { parseTraceparent } from './traceparent';

/** Where the time of a publish goes: checking, waiting for its turn and the log's lock, writing and committing. */
@Injectable()
export class PublishTrace implements OnModuleDestroy {
  private readonly stop: () => void = () => undefined;

  constructor(log: ReleaseLog, @Inject(SPANS) private readonly spans: Spans | null) {
    if (spans !== null) this.stop = log.onCommit((commit) => this.committed(spans, commit));
  }

  onModuleDestroy(): void {
    this.stop();
  }

  private committed(spans: Spans, { published, lockedAt, committedAt }: Commit): void {
    for (const { proposal, revision } of published) {
      const { askedAt, checkedAt, kind, releases } = proposal;
      const request = parseTraceparent(proposal.actor.traceparent);
      if (request?.sampled !== true) continue;
      const attributes = { 'trimtab.revision': revision, 'trimtab.kind': kind, 'trimtab.layers': releases.length, 'trimtab.group': published.length };
      const publish = spans.begin({ name: 'publish', kind: 'internal', parent: request, at: askedAt, attributes });
      const phase = (name: string, from: number, to: number): void =>
        spans.begin({ name, kind: 'internal', parent: publish.context, at: from }).end({ at: to });
      phase('check', askedAt, checkedAt);
      phase('wait for the log', checkedAt, lockedAt);
      phase('commit', lockedAt, committedAt);
      publish.end({ at: committedAt });
    }
  }
}
