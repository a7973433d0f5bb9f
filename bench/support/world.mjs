// What the figures run in: an embedded Postgres as the server itself starts it (fsync on) or the one of DATABASE_URL,
// databases of this run, and servers as they are built.
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { administer } from './admin.mjs';
import { PROBED, startProcess } from './role.mjs';

const require = createRequire(import.meta.url);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export class World {
  #embedded;
  #postgresUrl = process.env.DATABASE_URL;
  #databases = 0;

  /** Connection string of a new, empty database. */
  async database() {
    if (this.#postgresUrl === undefined) {
      const { EmbeddedPostgres } = require('../../dist/database/embedded-postgres.js');
      this.#embedded = await EmbeddedPostgres.start({ folder: path.join(ROOT, '.trimtab', 'bench') });
      this.#postgresUrl = this.#embedded.url;
    }
    if (this.#databases === 0) await this.#drop((pid) => !isAlive(pid));
    const name = `bench_${process.pid}_${++this.#databases}`;
    await this.#query(`CREATE DATABASE ${name}`);
    return this.#urlOf(name);
  }

  /** A server on a database of its own, or on `databaseUrl`. */
  async server({ databaseUrl, execArgv = [], env = {} } = {}) {
    const url = databaseUrl ?? (await this.database());
    const server = startProcess(path.join(ROOT, 'dist/main.js'), {
      execArgv: [...PROBED, ...execArgv],
      env: { ...withoutSettings(process.env), DATABASE_URL: url, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const announcement = await announced(server.child);
    const base = /API\s+(\S+)\/api\/v1/.exec(announcement)[1];
    const token = /token, shown only this once: (\S+)/.exec(announcement)?.[1];
    return { ...server, url: base, port: Number(new URL(base).port), token, databaseUrl: url, admin: administer(base, token) };
  }

  async close() {
    if (this.#databases > 0) await this.#drop((pid) => pid === process.pid);
    this.#databases = 0;
    await this.#embedded?.stop();
  }

  /** Databases carry the pid of the run that made them. */
  async #drop(ofPid) {
    const { rows } = await this.#query("SELECT datname FROM pg_database WHERE datname LIKE 'bench\\_%'");
    for (const { datname } of rows) {
      if (ofPid(Number(datname.split('_')[1]))) await this.#query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`);
    }
  }

  async #query(sql) {
    const client = new pg.Client({ connectionString: this.#urlOf('postgres') });
    await client.connect();
    try {
      return await client.query(sql);
    } finally {
      await client.end();
    }
  }

  #urlOf(database) {
    const url = new URL(this.#postgresUrl);
    url.pathname = `/${database}`;
    return url.href;
  }
}

/** What the server prints once it is ready, without waiting for an end that does not come. */
function announced(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    let log = '';
    child.stderr.on('data', (chunk) => (log = (log + chunk).slice(-2_000)));
    child.once('exit', (code) => reject(new Error(`The server ended with ${code} instead of starting. ${log}`)));
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (/^ {2}Database .*\n/m.test(text)) setTimeout(() => resolve(text), 50);
    });
  });
}

/** The settings of the person who runs the benchmark are not what is measured. */
export function withoutSettings(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(TRIMTAB_|DATABASE_URL$|PORT$)/.test(name)));
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
