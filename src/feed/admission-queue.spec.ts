import { Socket } from 'node:net';
import { defaultSettings } from '../settings/default-settings';
import type { Settings } from '../settings/settings';
import { AdmissionQueue, type Applicant } from './admission-queue';
import { FeedCounters } from './feed-counters';
import { ManualScheduler } from './testing/manual-scheduler';

let scheduler: ManualScheduler;
let counters: FeedCounters;
let log: string[];

beforeEach(() => {
  scheduler = new ManualScheduler();
  counters = new FeedCounters();
  log = [];
});

function queueWith(settings: Partial<Settings['feed']> = {}): AdmissionQueue {
  return new AdmissionQueue(scheduler, counters, defaultSettings({ feed: settings }).feed);
}

function applicant(name: string, admit: () => void = () => undefined): Applicant {
  return {
    socket: new Socket(),
    admit: () => {
      log.push(name);
      admit();
    },
    refuse: (waitMs) => void log.push(`${name} refused for ${waitMs} ms`),
  };
}

const crowd = (size: number) => Array.from({ length: size }, (_, index) => applicant(String(index)));

/** One turn of the event loop, with everything that hangs on it. */
async function turn(): Promise<boolean> {
  const more = scheduler.turn();
  for (let hop = 0; hop < 2_000; hop += 1) await Promise.resolve();
  return more;
}

async function settle(): Promise<void> {
  while (await turn());
}

it('admits the oldest first, and not before the event loop has had a turn', async () => {
  const queue = queueWith();
  for (const each of crowd(3)) queue.enter(each);
  expect(log).toEqual([]);
  expect(counters.admissions.waiting).toBe(3);
  await settle();
  expect(log).toEqual(['0', '1', '2']);
  expect(counters.admissions).toEqual({ waiting: 0, admitted: 3, refused: 0 });
});

it('works in slices, between which the event loop has its turn', async () => {
  const queue = queueWith({ sliceMs: 4 });
  for (const each of crowd(50)) queue.enter(each);
  scheduler.cost = 1;
  await turn();
  expect(log.length).toBeGreaterThan(0);
  expect(log.length).toBeLessThan(10);
  await settle();
  expect(log).toHaveLength(50);
});

it('counts what an admission leaves for later in the same turn as its cost', async () => {
  const queue = queueWith({ sliceMs: 4 });
  const costly = () => void Promise.resolve().then(() => scheduler.advance(10));
  for (let index = 0; index < 5; index += 1) queue.enter(applicant(String(index), costly));
  await turn();
  expect(log).toEqual(['0']);
});

it('skips those whose connection is gone', async () => {
  const queue = queueWith();
  const [first, gone, last] = crowd(3) as [Applicant, Applicant, Applicant];
  for (const each of [first, gone, last]) queue.enter(each);
  gone.socket.destroy();
  await settle();
  expect(log).toEqual(['0', '2']);
});

it('refuses at once whoever would have to wait too long, by the pace it has measured, and says for how long', async () => {
  const queue = queueWith({ sliceMs: 4, maxAdmissionWaitMs: 100 });
  for (const each of crowd(110)) queue.enter(each);
  expect(counters.admissions.waiting).toBe(101);
  await settle();
  expect(log).toContain('101 refused for 101 ms');
  expect(log.filter((line) => line.includes('refused'))).toHaveLength(9);
  // Many times slower than it was taken for at first.
  for (const each of crowd(40)) queue.enter(each);
  scheduler.cost = 10;
  await settle();
  scheduler.cost = 0;
  for (const each of crowd(100)) queue.enter(each);
  expect(counters.admissions.waiting).toBeLessThan(20);
});

it('has only so many between admission and answer, and goes on when one of them is answered', async () => {
  const queue = queueWith();
  const all = crowd(300);
  for (const each of all) queue.enter(each);
  await settle();
  expect(log).toHaveLength(256);
  queue.leave(all[0]!);
  await settle();
  expect(log).toHaveLength(257);
});

it('does not wait long for those who say nothing, nor at all for those who have gone', async () => {
  const queue = queueWith();
  const all = crowd(400);
  for (const each of all) queue.enter(each);
  await settle();
  for (const { socket } of all.slice(0, 10)) socket.destroy();
  scheduler.advance(20);
  await settle();
  expect(log).toHaveLength(266);
  for (let waited = 0; waited < 100; waited += 20) {
    scheduler.advance(20);
    await settle();
  }
  expect(log).toHaveLength(400);
});

it('leaves as much time to those who are arriving as it takes for admissions', async () => {
  const queue = queueWith({ sliceMs: 4 });
  for (const each of crowd(100)) queue.enter(each);
  scheduler.cost = 1;
  await turn();
  const before = log.length;
  queue.enter(applicant('late'));
  scheduler.cost = 0;
  await turn();
  expect(log).toHaveLength(before);
  await turn();
  expect(log.length).toBeGreaterThan(before);
});

it('lets work through that is more than an admission, and makes room however it ends', async () => {
  const queue = queueWith();
  const { socket } = applicant('work');
  const done = queue.through(socket, async () => 'done');
  await settle();
  expect(await done).toBe('done');
  const failed = queue.through(socket, async () => Promise.reject(new Error('no')));
  failed.catch(() => undefined);
  await settle();
  await expect(failed).rejects.toThrow('no');
  for (const each of crowd(256)) queue.enter(each);
  await settle();
  expect(log).toHaveLength(256);
});

it('ends the connections that wait when it is closed', () => {
  const queue = queueWith();
  const waiting = applicant('waiting');
  queue.enter(waiting);
  queue.close();
  expect(waiting.socket.destroyed).toBe(true);
});
