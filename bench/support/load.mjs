import { execFileSync } from 'node:child_process';
import { startRole } from './role.mjs';

const JOIN_TIMEOUT_MS = 180_000;
/** What a process needs besides its connections: files, the database, and those that wait to be accepted. */
const RESERVED_DESCRIPTORS = 400;

/** As many connections as asked for, or as the machine allows one process to hold. */
export function connectionsAllowed(wanted) {
  const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  return limit === 'unlimited' ? wanted : Math.min(wanted, Number(limit) - RESERVED_DESCRIPTORS);
}

/** Load processes of one role that share what there is to do. */
export class Load {
  #roles;

  constructor(role, processes) {
    this.#roles = Array.from({ length: processes }, () => startRole(role));
  }

  /** Every process the same. */
  all(method, params, timeoutMs) {
    return Promise.all(this.#roles.map(({ call }) => call(method, params, timeoutMs)));
  }

  /** `count` members join or leave a group, shared by the processes. */
  spread(method, count, params) {
    const share = (index) => Math.floor(((index + 1) * count) / this.#roles.length) - Math.floor((index * count) / this.#roles.length);
    return Promise.all(this.#roles.map(({ call }, index) => call(method, { ...params, count: share(index) }, JOIN_TIMEOUT_MS)));
  }

  /** What all processes have told, as if they were one. */
  async told(method, params, timeoutMs) {
    const parts = await this.all(method, params, timeoutMs);
    return {
      last: Math.max(...parts.map(({ last }) => last)),
      length: Math.max(...parts.map(({ length }) => length)),
      attempts: sum(parts.map(({ attempts }) => attempts)),
      failures: sumByName(parts.map(({ failures }) => failures)),
      answers: sumByName(parts.map(({ answers }) => answers)),
      changes: {
        total: sum(parts.map(({ changes }) => changes.total)),
        most: Math.max(...parts.map(({ changes }) => changes.most)),
        least: Math.min(...parts.map(({ changes }) => changes.least)),
      },
    };
  }

  end() {
    return Promise.all(this.#roles.map(({ end }) => end()));
  }
}

function sum(numbers) {
  return numbers.reduce((total, each) => total + each, 0);
}

function sumByName(parts) {
  const names = [...new Set(parts.flatMap(Object.keys))];
  return Object.fromEntries(names.map((name) => [name, sum(parts.map((part) => part[name] ?? 0))]));
}
