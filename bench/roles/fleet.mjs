// Thousands of light sockets of a fleet, in groups: of a raw WebSocket server, or of a Trimtab server, to which they
// speak the client's protocol and from which they come back as the client does when they lose it.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROTOCOL_VERSION } from '@trimtab/client/protocol';
import { now } from '../support/clock.mjs';
import { LightSocket } from '../support/light-socket.mjs';
import { answer } from '../support/role.mjs';

/** How many connections of a process are being opened at the same time. */
const OPENING = 50;
/** How often a condition is looked at. When the last message came is noted by itself. */
const LOOK_MS = 5;
const FEED_PATH = '/socket.io/?EIO=4&transport=websocket';
/** The client's own defaults: `reconnect.baseMs`, `reconnect.capMs`. */
const [BASE_MS, CAP_MS] = [1_000, 30_000];
const POSITION = /"revision":(\d+)(?:,"etag":"((?:[^"\\]|\\.)*)")?/;
const groups = new Map();

class Group {
  members = [];
  /** Members that have had an answer since they connected last. */
  current = 0;
  /** Members that have had their message since {@link expect}, and when the last one had it. */
  arrived = 0;
  last = 0;
  length = 0;
  attempts = 0;
  failures = {};
  answers = {};
  /** Who loses its server comes back by `back-off`; or is `held` until it is told to. */
  manner = 'back-off';

  constructor(server) {
    this.server = server;
    this.reset();
  }

  reset() {
    Object.assign(this, { arrived: 0, last: 0, attempts: 0, failures: {}, answers: { current: 0, delta: 0, snapshot: 0 } });
    for (const member of this.members) member.changes = 0;
  }

  async until(condition) {
    while (!condition()) await sleep(LOOK_MS);
  }

  failed(reason) {
    this.failures[reason] = (this.failures[reason] ?? 0) + 1;
  }
}

/** States: `opening` → `current` (answered since it connected) → `waiting` (to come back) → `opening`. */
class Member {
  #state = 'waiting';
  #group;
  #socket;
  #backoffs = 0;
  #retryMs;
  #hasLeft = false;
  #revision = 0;
  #etag;
  /** Changes it was sent; a client that is conflated well gets few. */
  changes = 0;

  constructor(group) {
    this.#group = group;
  }

  open() {
    if (this.#hasLeft) return;
    const { port, service, deflate } = this.#group.server;
    this.#group.attempts += 1;
    this.#state = 'opening';
    this.#socket = new LightSocket({ port, path: service === undefined ? '/' : FEED_PATH, deflate }, this);
  }

  get revision() {
    return this.#revision;
  }

  leave() {
    this.#hasLeft = true;
    this.#socket?.end();
  }

  opened() {
    if (this.#group.server.service === undefined && !this.#group.server.greets) this.#answered('current');
  }

  received(beginning, length) {
    if (this.#group.server.service === undefined) {
      if (this.#state === 'opening') this.#answered('current');
      else this.#change(length);
      return;
    }
    if (beginning === '2') this.#socket.send('3');
    else if (beginning[0] === '0') this.#socket.send(`40${JSON.stringify(this.#handshake())}`);
    else if (beginning.startsWith('44')) this.#socket.end(/"code":"([^"]*)"/.exec(beginning)?.[1] ?? 'refused');
    else if (beginning.startsWith('42["feed",')) this.#message(/"type":"([^"]*)"/.exec(beginning)[1], beginning, length);
  }

  ended(reason) {
    const group = this.#group;
    if (this.#state === 'current') group.current -= 1;
    else group.failed(reason);
    this.#state = 'waiting';
    if (this.#hasLeft || group.manner === 'held') return;
    const ceilingMs = Math.min(CAP_MS, (group.server.backoffBaseMs ?? BASE_MS) * 2 ** this.#backoffs);
    this.#backoffs += 1;
    setTimeout(() => this.open(), this.#retryMs ?? Math.random() * ceilingMs);
    this.#retryMs = undefined;
  }

  #handshake() {
    const { key, service, environment } = this.#group.server;
    const instance = { id: randomUUID(), host: hostname(), library: 'bench 0.1.0' };
    const since = this.#etag === undefined ? {} : { since: { revision: this.#revision, etag: this.#etag } };
    return { protocol: PROTOCOL_VERSION, key, service, environment, instance, ...since };
  }

  #message(type, beginning, length) {
    if (type === 'closing') {
      const withinMs = /"withinMs":(\d+)/.exec(beginning)?.[1];
      this.#retryMs = withinMs === undefined ? undefined : Math.random() * Number(withinMs);
      return this.#socket.end('closing');
    }
    if (type === 'move') return;
    const [, revision, etag] = POSITION.exec(beginning);
    this.#revision = Number(revision);
    if (etag !== undefined) this.#etag = JSON.parse(`"${etag}"`);
    if (this.#state === 'opening') this.#answered(type);
    // Who was away for a moment gets the change as an answer.
    if (type === 'snapshot' || type === 'delta') this.#change(length);
  }

  #answered(type) {
    const group = this.#group;
    this.#state = 'current';
    this.#backoffs = 0;
    group.current += 1;
    group.answers[type] += 1;
    group.last = now();
  }

  #change(length) {
    const group = this.#group;
    this.changes += 1;
    group.arrived += 1;
    group.last = now();
    group.length = length;
  }
}

async function join({ group: name, count, server }) {
  const group = groups.get(name) ?? new Group(server);
  groups.set(name, group);
  const { members } = group;
  const before = members.length;
  for (let opened = 0; opened < count; opened += 1) {
    const member = new Member(group);
    members.push(member);
    member.open();
    // Who has to come back counts as under way.
    await group.until(() => members.length - group.current < OPENING);
  }
  await group.until(() => group.current === before + count);
}

function told({ members, last, length, attempts, failures, answers }) {
  const changes = members.map((member) => member.changes);
  const total = changes.reduce((sum, each) => sum + each, 0);
  return { last, length, attempts, failures, answers, changes: { total, most: Math.max(...changes), least: Math.min(...changes) } };
}

/** Methods that concern one group. */
function ofGroup(methods) {
  const named = ([name, method]) => [name, ({ group, ...params }) => method(groups.get(group), params)];
  return Object.fromEntries(Object.entries(methods).map(named));
}

answer({
  join,
  ...ofGroup({
    /** From here on everything is counted anew. */
    expect: (group) => group.reset(),
    /** Once every socket has been sent one message. */
    arrived: async (group) => {
      await group.until(() => group.arrived >= group.members.length);
      return told(group);
    },
    /** Once every socket knows of the revision. */
    reached: async (group, { revision }) => {
      await group.until(() => group.members.every((member) => member.revision >= revision));
      return told(group);
    },
    /** Once every socket has lost its server. Whether it then comes back by itself is `manner`. */
    lost: async (group, { manner }) => {
      group.reset();
      group.manner = manner;
      await group.until(() => group.current === 0);
    },
    /** All that were held come back in the same moment, and by themselves from then on. */
    release: (group) => {
      group.manner = 'back-off';
      for (const member of group.members) member.open();
    },
    leave: (group, { count }) => {
      for (const member of group.members.splice(group.members.length - count)) member.leave();
    },
    /** Once every socket has had an answer again. */
    back: async (group) => {
      await group.until(() => group.current === group.members.length);
      return told(group);
    },
  }),
});
