// Thousands of long polls, in groups, each on a connection of its own.
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../support/clock.mjs';
import { LightPoll } from '../support/light-poll.mjs';
import { answer } from '../support/role.mjs';

const LOOK_MS = 5;
const groups = new Map();

answer({
  /** Sends as many more requests; when they are parked, only the server knows. */
  join: ({ group: name, count, server: { port, path, headers = {} } }) => {
    const group = groups.get(name) ?? { polls: [], statuses: {}, answered: 0, last: 0 };
    groups.set(name, group);
    const lines = Object.entries({ host: `127.0.0.1:${port}`, ...headers }).map(([header, value]) => `${header}: ${value}\r\n`);
    const request = Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    const done = (status) => {
      group.statuses[status] = (group.statuses[status] ?? 0) + 1;
      group.answered += 1;
      group.last = now();
    };
    for (let sent = 0; sent < count; sent += 1) group.polls.push(new LightPoll({ port, request }, done));
  },
  /** How many have been answered already, and with what. */
  answered: ({ group }) => groups.get(group).statuses,
  /** Once all are. */
  all: async ({ group: name }) => {
    const group = groups.get(name);
    while (group.answered < group.polls.length) await sleep(LOOK_MS);
    return { last: group.last, statuses: group.statuses };
  },
});
