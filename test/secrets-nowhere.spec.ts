import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { connect } from '../client/src/index';
import { Api, layerPath, type Answer } from './support/api';
import { openSocketIo, openStream } from './support/connections';
import { createTestDatabase, type TestDatabase } from './support/database';
import { eventually } from './support/eventually';
import { opened } from './support/open-resources';
import { givenWorld, perform, SCENARIOS } from './support/scenarios';
import { administratorToken, MASTER_KEY, runsOn } from './support/server';
import { startServerProcess, type ServerProcess } from './support/server-process';
import { traces } from './support/traces-of';

/**
 * Plants a secret, uses every route and every way there is to get at a config, and then looks through everything that was
 * answered, logged and stored. What finds nothing here has to find the secret where it is allowed to be.
 */
jest.setTimeout(120_000);

const SECRET = `Tr1m+/"tab ${randomBytes(12).toString('hex')} ü?&`;
const PIN = 918_273_645_000 + randomBytes(3).readUIntBE(0, 3);
const secret = traces([SECRET, String(PIN)]);
const PATCH = { 'content-type': 'application/merge-patch+json' };
const TARGET = { service: 'orders', environment: 'production' };

let folder: string;
let removed: () => void;
let forget: () => void;
let database: TestDatabase;
let server: ServerProcess;
let api: Api;
let viewer: Api;
let client: Api;
/** Everything that anybody was told who must not be told the secret, by what it was. */
const told = new Map<string, string>();
const keep = (what: string, { status, headers, text }: Answer): void => void told.set(what, `${status} ${JSON.stringify([...headers])} ${text}`);

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'trimtab-secret-'));
  removed = opened(`folder ${folder}`);
  const keyFile = path.join(folder, 'master-keys');
  writeFileSync(keyFile, `${MASTER_KEY}\n`, { mode: 0o400 });
  database = await createTestDatabase();
  const token = await administratorToken(database);
  server = await startServerProcess({ DATABASE_URL: database.url, TRIMTAB_COPY_FOLDER: path.join(folder, 'copy'), TRIMTAB_MASTER_KEY_FILE: keyFile, TRIMTAB_LOG_LEVEL: 'trace' });
  forget = runsOn(server.url, database);
  api = new Api(server.url, token);
  await givenWorld(api);
  const grants = [{ role: 'viewer', services: '*', environment: 'base' }];
  viewer = api.as((await api.must('POST', '/api/v1/tokens', { name: 'viewer', grants })).json.secret as string);
  client = api.as((await api.must('POST', '/api/v1/client-keys', { name: 'client', ...TARGET })).json.secret as string);
  await plant();
});
afterAll(async () => {
  forget();
  await server.kill();
  await database.close();
  rmSync(folder, { recursive: true, force: true });
  removed();
});

/** By every way in. */
async function plant(): Promise<void> {
  keep('seal', await api.must('POST', `${layerPath('orders@base')}/seal`, { value: SECRET }));
  keep('patch', await api.must('PATCH', `${layerPath('orders@base')}/documents/application?seal=true`, JSON.stringify({ planted: { password: SECRET, pin: PIN } }), { ...PATCH, 'idempotency-key': 'planting' }));
  keep('dry run', await api.must('PATCH', `${layerPath('orders@base')}/documents/application?seal=true&dryRun=true`, JSON.stringify({ planted: { list: [SECRET] } }), PATCH));
  const { id } = (await api.must('POST', '/api/v1/changes', { title: 'Planted' })).json as { id: number };
  const edit = `/api/v1/changes/${id}/services/orders/environments/base/documents/credentials`;
  keep('edit', await api.must('PATCH', `${edit}?seal=true&path=a.b`, JSON.stringify(SECRET), PATCH));
  keep('impact', await api.must('GET', `/api/v1/changes/${id}/impact`));
  keep('publish', await api.must('POST', `/api/v1/changes/${id}/publish`));
}

it('is found in what client keys and those who may reveal are given', async () => {
  const { text } = await client.must('GET', '/v1/config/production/orders');
  const shown = (await api.must('POST', `${layerPath('orders@production')}/reveal`, {})).text;
  for (const place of [text, shown, (await client.must('GET', '/v1/config/base/orders/application').catch(() => client.must('GET', '/v1/config/production/orders/application'))).text]) {
    expect(secret.in(place)).not.toEqual([]);
  }
  for (const form of [Buffer.from(`x${SECRET}yz`).toString('base64'), Buffer.from(SECRET).toString('hex'), encodeURIComponent(SECRET), JSON.stringify({ a: SECRET })]) {
    expect(secret.in(`before ${form} after`)).not.toEqual([]);
  }
});

it.each(Object.entries(SCENARIOS))('%s is used', async (name, scenario) => {
  for (const [who, by] of [['administrator', api], ['viewer', viewer]] as const) {
    // Who acts for nobody but oneself is nobody's viewer; what is prepared for one is prepared by somebody who may.
    if (who === 'viewer' && scenario.as !== undefined) continue;
    const given = scenario.given && (who === 'viewer' ? () => scenario.given!(api) : scenario.given);
    const answer = await perform(by, name, { ...scenario, ...(given === undefined ? {} : { given }) });
    expect(answer.status).toBeLessThan(500);
    if (!(name.endsWith('/reveal') && who === 'administrator')) keep(`${name} by ${who}`, answer);
  }
});

it('is in no listing of what holds it now', async () => {
  await api.must('PATCH', `${layerPath('orders@production')}/documents/application?seal=true`, JSON.stringify({ planted: { password: SECRET } }), PATCH);
  const { version } = (await api.must('GET', layerPath('orders@base'))).json;
  for (const by of [api, viewer]) {
    for (const place of [
      `${layerPath('orders@production')}/effective`,
      `${layerPath('orders@base')}/documents/application`,
      `${layerPath('orders@base')}/compare?from=0&to=${version}`,
      '/api/v1/compare?service=orders&from=staging&to=production',
      '/v1/config/production/orders',
      '/v1/config/production/orders/application',
      '/v1/config/production/orders?origin=true',
      '/v1/config/production/orders?wait=10ms',
    ]) {
      const answer = await by.must('GET', place);
      expect(answer.text).toContain('trimtab:sealed:1:');
      keep(`${place} by ${by === api ? 'administrator' : 'viewer'}`, answer);
    }
  }
  keep('origin by client key', await client.must('GET', '/v1/config/production/orders?origin=true'));
});

it('is in no connection of a token', async () => {
  for (const open of [openSocketIo, openStream]) {
    for (const by of [api, viewer]) {
      const connection = await open(server.url, by.token, TARGET);
      await api.must('PATCH', `${layerPath('orders@production')}/documents/application?seal=true`, JSON.stringify({ planted: { password: SECRET } }), PATCH);
      await eventually(() => expect(JSON.stringify(connection.messages)).toContain('trimtab:sealed:1:'));
      connection.close();
      await connection.ended;
      told.set(`${open.name} ${by.token}`, JSON.stringify(connection.messages));
    }
  }
});

it('is in no error', async () => {
  const bodies = [`{"value": ${SECRET}}`, `{"value": "${SECRET}", }`, JSON.stringify({ valeu: SECRET }), JSON.stringify({ value: SECRET, [SECRET]: 1 }), `{"value": ${PIN}1111111111}`, `"${SECRET}`];
  for (const [index, body] of bodies.entries()) {
    keep(`refused: seal ${index}`, await api.request('POST', `${layerPath('orders@base')}/seal`, body, { 'content-type': 'application/json' }));
    keep(`refused: patch ${index}`, await api.request('PATCH', `${layerPath('orders@base')}/documents/text?seal=true`, body.slice(0, -1), { ...PATCH, 'idempotency-key': `broken-${index}` }));
  }
  for (const schema of [{ properties: { planted: { properties: { password: { type: 'number' }, pin: { const: 1 } }, required: ['absent'] } } }, { not: {} }, { properties: { planted: { maxProperties: 0 } } }]) {
    keep(`refused: ${JSON.stringify(schema)}`, await api.request('PUT', `${layerPath('orders@base')}/schemas/application?dryRun=true`, schema));
  }
  const text = /trimtab:sealed:[\w:-]+/.exec((await api.must('GET', `${layerPath('orders@base')}/documents/application`)).text)![0];
  keep('refused: elsewhere', await api.putYaml('billing@base', `a: ${text}\n`));
  keep('refused: conflict', await api.putYaml('orders@base', 'a: 1\n', 'application', { 'if-match': '"other"' }));
  expect([...told].filter(([what, text]) => what.startsWith('refused: ') && text.startsWith('2'))).toEqual([]);
});

it('is in nothing that a client says, and on its disk only with a key', async () => {
  const lines: string[] = [];
  const logger = { debug: record, info: record, warn: record, error: record };
  function record(message: string, fields?: object): void {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  }
  const options = { url: server.url, key: client.token!, ...TARGET, logger } as const;
  const file = (name: string): string => path.join(folder, `${name}.json`);
  const config = await connect({ ...options, diskSnapshot: file('with-key'), diskKey: randomBytes(32) });
  await connect({ ...options, diskSnapshot: file('without-key') }).then((other) => other.close());
  expect(config.get('planted.password')).toBe(SECRET);
  await config.close();
  expect([statSync(file('with-key')).size > 0, readdirSync(folder).includes('without-key.json')]).toEqual([true, false]);
  told.set('disk of the client', readFileSync(file('with-key'), 'latin1'));

  let refuse = (_value: { planted: { password: string } }): string | undefined => undefined;
  const schema = z.any().superRefine((value: { planted: { password: string } }, context) => {
    const message = refuse(value);
    if (message !== undefined) context.addIssue({ code: 'custom', message, path: message.startsWith('all') ? [] : ['planted', 'password'] });
  });
  const following = await connect({ ...options, schema, diskSnapshot: false });
  const refusals: ((value: { planted: { password: string } }) => string)[] = [
    ({ planted }) => `${planted.password} does not suit`,
    (value) => `all of ${JSON.stringify(value)} is wrong`,
    (value) => {
      throw new Error(`cannot use ${JSON.stringify(value)}, ${encodeURIComponent(SECRET)} nor ${PIN}`);
    },
  ];
  for (const [index, refusal] of refusals.entries()) {
    refuse = refusal;
    const { revision } = (await api.patch('orders@production', { round: index })).json;
    await eventually(async () => {
      const { items } = (await api.must('GET', '/api/v1/instances')).json;
      expect(items).toEqual([expect.objectContaining({ state: 'refused', revision, reason: expect.stringMatching(/secret/) })]);
    });
    keep(`instances ${index}`, await api.must('GET', '/api/v1/instances'));
  }
  await following.close();
  told.set('log of the client', lines.join('\n'));
});

it('is nowhere in what was answered, logged and stored', async () => {
  const tables = await database.dataSource.query<{ name: string }[]>(`SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`);
  expect(tables.length).toBeGreaterThan(15);
  for (const { name } of tables) {
    const rows = await database.dataSource.query<{ row: string }[]>(`SELECT t::text AS row FROM "${name}" t`);
    told.set(`table ${name}`, rows.map(({ row }) => row).join('\n'));
  }
  expect(told.get('table document_content')).toContain(Buffer.from('trimtab:sealed:1:').toString('hex'));
  const copy = path.join(folder, 'copy');
  await eventually(() => expect(readdirSync(copy).some((file) => readFileSync(path.join(copy, file), 'latin1').includes('trimtab:sealed:1:'))).toBe(true));
  for (const file of readdirSync(copy)) told.set(`copy ${file}`, readFileSync(path.join(copy, file), 'utf8'));
  told.set('stdout', server.stdout());
  told.set('stderr', server.stderr());
  expect(server.stderr()).toContain('/seal');
  const leaks = [...told].map(([what, text]) => [what, secret.in(text)] as const).filter(([, found]) => found.length > 0);
  expect(leaks).toEqual([]);
});
