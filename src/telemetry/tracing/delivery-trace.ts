import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Report } from '@trimtab/client/protocol';
import type { Channel } from '../../feed/channel';
import { Feed } from '../../feed/feed';
import { ReportHub, type ReportingConnection } from '../../feed/report-hub';
import { layerKey } from '../../kernel/names';
import type { Revision } from '../../kernel/revision';
import { SnapshotStore, type Resolution } from '../../snapshots/snapshot-store';
import { RevisionTimes, type RevisionTime } from '../revision-times';
import { SPANS, type OpenSpan, type Spans } from './spans';
import { parseTraceparent, type TraceContext } from './traceparent';

/** Revisions whose delivery is followed at the same time. */
const FOLLOWED = 64;
/** Spans of clients for each revision: enough to see what applying is like, however large the fleet. */
const APPLIED = 20;
const REFUSED = 20;

interface Delivery {
  /** What everything here is part of: the learning of the revision, or the request itself where it was published. */
  readonly root: TraceContext;
  readonly pushes: Map<string, OpenSpan>;
  applied: number;
  refused: number;
}

interface Round {
  readonly revision: Revision;
  readonly target: string;
  readonly beganAt: number;
  endedAt?: number;
  push?: OpenSpan;
}

/**
 * What becomes of a revision in this process, in the trace of the request that published it, wherever that was: learning
 * of it, reading the snapshots it changed, writing each to those who follow it, and what the clients said.
 */
@Injectable()
export class DeliveryTrace implements OnModuleDestroy {
  private readonly deliveries = new Map<Revision, Delivery | undefined>();
  private readonly rounds = new WeakMap<Channel, Round>();
  private readonly stops: (() => void)[] = [];

  constructor(
    @Inject(SPANS) private readonly spans: Spans | null,
    private readonly times: RevisionTimes,
    private readonly feed: Feed,
    snapshots: SnapshotStore,
    hub: ReportHub,
  ) {
    if (spans === null) return;
    feed.counters.rounds = { began: (channel) => this.roundBegan(spans, channel), ended: (channel) => this.roundEnded(channel) };
    this.stops.push(
      times.onRevision((time) => this.learnt(spans, time)),
      snapshots.onResolved((resolution) => this.resolved(spans, resolution)),
      hub.onReport((report, connection) => this.reported(spans, report, connection)),
    );
  }

  onModuleDestroy(): void {
    if (this.spans !== null) this.feed.counters.rounds = undefined;
    for (const stop of this.stops) stop();
  }

  private learnt(spans: Spans, { revision, committedAt, learntAt, own, traceparent }: RevisionTime): void {
    const request = parseTraceparent(traceparent);
    if (request?.sampled !== true) return;
    const root = own ? request : this.catchUp(spans, request, revision, committedAt, learntAt);
    this.deliveries.set(revision, { root, pushes: new Map(), applied: 0, refused: 0 });
    if (this.deliveries.size > FOLLOWED) this.deliveries.delete(this.deliveries.keys().next().value as Revision);
  }

  private catchUp(spans: Spans, parent: TraceContext, revision: Revision, from: number, to: number): TraceContext {
    const span = spans.begin({ name: 'catch up', kind: 'consumer', parent, at: from, attributes: { 'trimtab.revision': revision } });
    span.end({ at: to });
    return span.context;
  }

  private resolved(spans: Spans, { snapshot, beganAt, endedAt }: Resolution): void {
    this.times.whenKnown(snapshot.revision, ({ revision, committedAt }) => {
      const delivery = this.deliveries.get(revision);
      // One that was read later was read for somebody who came later.
      if (delivery === undefined || beganAt < committedAt || delivery.pushes.has(layerKey(snapshot))) return;
      const attributes = { 'trimtab.revision': revision, ...targetOf(snapshot) };
      spans.begin({ name: 'resolve snapshot', kind: 'internal', parent: delivery.root, at: beganAt, attributes }).end({ at: endedAt });
    });
  }

  private roundBegan(spans: Spans, channel: Channel): void {
    const { revision } = channel.current;
    const round: Round = { revision, target: layerKey(channel.target), beganAt: performance.now() };
    this.rounds.set(channel, round);
    this.times.whenKnown(revision, () => {
      const delivery = this.deliveries.get(revision);
      // The next rounds of the same revision are bookmarks.
      if (delivery === undefined || delivery.pushes.has(round.target)) return;
      const attributes = { 'trimtab.revision': revision, ...targetOf(channel.target), 'trimtab.members': channel.members.size };
      round.push = spans.begin({ name: 'push', kind: 'producer', parent: delivery.root, at: round.beganAt, attributes });
      delivery.pushes.set(round.target, round.push);
      if (round.endedAt !== undefined) round.push.end({ at: round.endedAt });
    });
  }

  private roundEnded(channel: Channel): void {
    const round = this.rounds.get(channel);
    if (round === undefined) return;
    this.rounds.delete(channel);
    round.endedAt = performance.now();
    round.push?.end({ at: round.endedAt });
  }

  private reported(spans: Spans, report: Report, { target, info, connectedAt }: ReportingConnection): void {
    const refused = report.state === 'refused';
    const at = performance.now() - (refused ? 0 : (report.heldMs ?? 0));
    this.times.whenKnown(report.revision, ({ committedAt }) => {
      const delivery = this.deliveries.get(report.revision);
      if (delivery === undefined || connectedAt > committedAt) return;
      const count = refused ? (delivery.refused += 1) : (delivery.applied += 1);
      if (count > (refused ? REFUSED : APPLIED)) return;
      const parent = delivery.pushes.get(layerKey(target))?.context ?? delivery.root;
      const attributes = { 'trimtab.revision': report.revision, ...targetOf(target), 'trimtab.instance.id': info.id };
      // Why it was refused may quote a value: the list of instances says it to those who may know.
      spans.begin({ name: 'apply', kind: 'consumer', parent, at: committedAt, attributes }).end({ at, error: refused ? 'the client refused the revision' : undefined });
    });
  }
}

function targetOf({ service, environment }: { readonly service: string; readonly environment: string }) {
  return { 'trimtab.service': service, 'trimtab.environment': environment };
}
