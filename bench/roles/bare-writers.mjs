// The limit of publishing: the same bytes inserted and announced by one statement, which is one transaction and one
// round trip. Each writer has a connection of its own.
import pg from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { answer } from '../support/role.mjs';
import { differing } from '../support/sample-config.mjs';

const WRITE = {
  name: 'write',
  text: `WITH written AS (INSERT INTO bare_document (content) VALUES ($1) RETURNING id)
         SELECT pg_notify('bare', id::text) FROM written`,
};

let clients = [];
let count = 0;

async function connect({ databaseUrl, writers }) {
  clients = await Promise.all(
    Array.from({ length: writers }, async () => {
      const client = new pg.Client({ connectionString: databaseUrl });
      await client.connect();
      return client;
    }),
  );
  await clients[0].query('CREATE TABLE bare_document (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, content bytea NOT NULL)');
}

async function run({ writers, source, seconds }) {
  const body = differing(source);
  let written = 0;
  let running = true;
  const write = async (client) => {
    while (running) {
      await client.query({ ...WRITE, values: [body(++count)] });
      written += 1;
    }
  };
  const all = clients.slice(0, writers).map(write);
  await sleep(Math.min(300, seconds * 250));
  const [before, start] = [written, performance.now()];
  await sleep(seconds * 1_000);
  const rate = (written - before) / ((performance.now() - start) / 1_000);
  running = false;
  await Promise.all(all);
  return rate;
}

answer({ connect, run });
