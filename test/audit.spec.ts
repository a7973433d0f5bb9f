import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { AuditAnchors } from '../src/audit/audit-anchors';
import { hashOfLine, type Anchor, type AuditLine } from '../src/audit/audit-line';
import { recordAudits, type AuditEntry } from '../src/audit/record-audit';
import { SYSTEM_ACTOR } from '../src/kernel/actor';
import { Api, layerPath } from './support/api';
import { eventually } from './support/eventually';
import { startServer, type TestServer } from './support/server';

interface Item extends AuditLine {
  readonly changed: { readonly layers?: readonly object[]; readonly fields?: readonly string[] };
}

let server: TestServer;
let api: Api;
let folder: string;

const list = async (query: string): Promise<Item[]> => (await api.must('GET', `/api/v1/audit?${query}`)).json.items as Item[];
const actions = async (query: string): Promise<string[]> => (await list(query)).map(({ action }) => action);
const exported = async (query = ''): Promise<AuditLine[]> => linesOf((await api.must('GET', `/api/v1/audit/export?${query}`)).text);

function linesOf(text: string): AuditLine[] {
  expect(text.endsWith('\n')).toBe(true);
  return text.trimEnd().split('\n').map((line) => JSON.parse(line) as AuditLine);
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'trimtab-audit-'));
  server = await startServer();
  api = new Api(server.url, server.token);
  await api.given({ production: 'base', staging: 'base' }, ['orders', 'billing', 'common']);
  await api.putYaml('orders@production', 'a: 1\n');
  await api.putYaml('orders@production', 'a: 2\n', 'application', { 'x-request-id': 'second-edit' });
  await api.putYaml('billing@staging', 'a: 1\n');
  await api.must('POST', '/api/v1/client-keys', { name: 'orders', service: 'orders', environment: 'production' });
});
afterEach(() => jest.restoreAllMocks());
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

describe('given acts over the API', () => {
  it('records who, with what, from where, for which request, and the versions before and after', async () => {
    const [record] = await list('requestId=second-edit');
    expect(record).toMatchObject({
      action: 'change.publish',
      actor: { kind: 'token', name: 'first administrator' },
      changed: { layers: [{ service: 'orders', environment: 'production', before: 1, version: 2 }] },
      requestId: 'second-edit',
      address: '127.0.0.1',
      revision: 2,
    });
  });

  it('records which fields of a service and of an environment have changed, and not to what', async () => {
    await api.must('PATCH', '/api/v1/services/common', { owner: 'Platform team' });
    await api.must('PATCH', '/api/v1/environments/staging', { description: 'Before production' });
    expect(await list('limit=2')).toMatchObject([
      { action: 'environment.update', subject: { environment: 'staging' }, changed: { fields: ['description'] } },
      { action: 'service.update', subject: { service: 'common' }, changed: { fields: ['owner'] } },
    ]);
    expect((await api.must('GET', '/api/v1/audit/export')).text).not.toMatch(/Platform team|Before production|a: 1/);
  });

  it('records what was done to a change before it is published, found by the layers it touches', async () => {
    const { id } = (await api.must('POST', '/api/v1/changes', { title: 'Draft' })).json as { id: number };
    await api.must('PUT', `/api/v1/changes/${id}/services/common/environments/staging/documents/application`, 'b: 1\n', { 'content-type': 'application/yaml' });
    await api.must('PATCH', `/api/v1/changes/${id}`, { title: 'Better draft' });
    await api.must('DELETE', `/api/v1/changes/${id}`);
    expect(await list('service=common&environment=staging')).toMatchObject([
      { action: 'change.discard', subject: { change: id } },
      { action: 'change.update', subject: { change: id, title: 'Better draft' }, changed: { edition: { before: 2, after: 3 } } },
      { action: 'change.update', subject: { change: id, service: 'common', environment: 'staging', kind: 'document', name: 'application', edit: 'writes' } },
    ]);
  });
});

describe('given a filter', () => {
  it('finds what touched a service, an environment, or a layer', async () => {
    expect(await actions('service=orders')).toEqual(['client-key.create', 'change.publish', 'change.publish', 'service.create']);
    expect(await actions('environment=production')).toEqual(['client-key.create', 'change.publish', 'change.publish', 'environment.create']);
    expect(await actions('service=orders&environment=production')).toEqual(['client-key.create', 'change.publish', 'change.publish']);
    expect(await actions('service=orders&environment=staging')).toEqual([]);
  });

  it('finds by the credential or its name, the revision, the address, the request and the moment', async () => {
    const [{ actor, at, position }] = (await list('revision=2')) as [Item];
    expect(new Set(await actions(`actor=${actor.id}`)).has('change.publish')).toBe(true);
    expect(await list(`actor=${actor.id}&limit=200`)).toEqual(await list('actor=first+administrator&limit=200'));
    expect(await actions('actor=system')).toEqual(['token.create']);
    expect(await actions('actor=orders')).toEqual([]);
    expect(await actions('address=127.0.0.1&action=client-key.create')).toEqual(['client-key.create']);
    expect(await actions('address=192.0.2.1')).toEqual([]);
    const since = await list(`from=${at}&limit=200`);
    expect(since.at(-1)!.position).toBeLessThanOrEqual(position);
    const until = await list(`to=${at}&limit=200`);
    expect([...since, ...until]).toEqual(await list('limit=200'));
    expect(await actions(`service=orders&actor=first+administrator&action=change.publish&from=${at}`)).toContain('change.publish');
  });

  it.each(['from=yesterday', 'to=1969-12-31T00:00:00Z', 'service=Orders', 'action=nope', 'revision=0', 'cursor=x'])('refuses %s', async (query) => {
    const answer = await api.get(`/api/v1/audit?${query}`);
    expect([answer.status, answer.json.code]).toEqual([400, 'malformed_request']);
  });

  it('pages through all of it, each record once, while more are written', async () => {
    const whole = (await list('limit=200')).map(({ position }) => position);
    const seen: number[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const { json }: { json: { items: Item[]; nextCursor?: string } } = await api.must('GET', `/api/v1/audit?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...json.items.map(({ position }) => position));
      cursor = json.nextCursor;
      await api.must('POST', '/api/v1/changes', { title: 'Meanwhile' });
    }
    expect(seen).toEqual(whole);
  });
});

describe('given an export', () => {
  const anchorText = ({ position, hash }: Anchor): string => `${position}:${hash}`;

  /** `npm run audit:verify`, without npm. */
  async function verifyOffline(text: string, ...args: string[]): Promise<{ code: number; output: string }> {
    const file = path.join(folder, 'export.jsonl');
    writeFileSync(file, text);
    const child = spawn(process.execPath, [path.resolve(__dirname, '../scripts/verify-audit.mjs'), file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    return { code, output };
  }

  it('has every record on a line of its own, oldest first, linked to the one before, and ends with its own', async () => {
    const answer = await api.must('GET', '/api/v1/audit/export');
    expect(answer.headers.get('content-type')).toBe('application/jsonl');
    const lines = linesOf(answer.text);
    expect(lines.map(({ position }) => position)).toEqual(lines.map((_line, index) => index + 1));
    lines.forEach((line, index) => expect([line.hash, line.previous]).toEqual([hashOfLine(line), lines[index - 1]?.hash ?? '0'.repeat(64)]));
    expect(lines.at(-1)).toMatchObject({ action: 'audit.export', subject: { filter: {} } });
  });

  it('leaves out what the filter does', async () => {
    const lines = await exported('service=orders');
    expect(lines.map(({ action }) => action)).toEqual(['service.create', 'change.publish', 'change.publish', 'client-key.create']);
    const [record] = await list('action=audit.export&limit=1');
    expect(record).toMatchObject({ subject: { filter: { service: 'orders' } } });
  });

  it('is verified without the server, whole or filtered, and from an anchor on', async () => {
    const whole = (await api.must('GET', '/api/v1/audit/export')).text;
    const head = linesOf(whole).at(-1)!;
    expect(await verifyOffline(whole)).toEqual({ code: 0, output: expect.stringContaining(head.hash) as string });
    expect((await verifyOffline(whole, '--anchor', anchorText(head))).code).toBe(0);
    const filtered = (await api.must('GET', '/api/v1/audit/export?service=orders')).text;
    expect((await verifyOffline(filtered, '--filtered')).code).toBe(0);
    expect(await verifyOffline(filtered)).toEqual({ code: 1, output: expect.stringContaining('comes position') as string });
    const rest = whole.split('\n').slice(5).join('\n');
    expect((await verifyOffline(rest, '--after', anchorText(linesOf(whole)[4]!))).code).toBe(0);
    expect((await verifyOffline(rest, '--after', anchorText(linesOf(whole)[3]!))).code).toBe(1);
  });

  it.each<readonly [string, (lines: string[]) => string[], string]>([
    ['an altered line', (lines) => lines.map((line, index) => (index === 6 ? line.replace(/"action": "[^"]+"/, '"action": "token.revoke"') : line)), 'Line 7: The record at position 7'],
    ['a line that was cut', (lines) => [...lines.slice(0, -1), lines.at(-1)!.slice(0, 80)], 'not a whole line'],
    ['a line hashed anew', (lines) => lines.map((line, index) => (index === 6 ? rehashed(line) : line)), 'Line 8: Position 8 does not follow'],
  ])('shows %s', async (_what, tamper, message) => {
    const lines = (await api.must('GET', '/api/v1/audit/export')).text.trimEnd().split('\n');
    expect(await verifyOffline(tamper(lines).join('\n'))).toEqual({ code: 1, output: expect.stringContaining(message) as string });
  });

  it('shows that its end was cut off only to who has an anchor', async () => {
    const text = (await api.must('GET', '/api/v1/audit/export')).text;
    const cut = text.split('\n').slice(0, 5).join('\n');
    expect((await verifyOffline(cut, '--anchor', anchorText(linesOf(text).at(-1)!))).code).toBe(1);
    expect((await verifyOffline(cut, '--anchor', 'nowhere')).code).toBe(2);
  });

  function rehashed(text: string): string {
    const line = { ...(JSON.parse(text) as AuditLine), action: 'token.revoke' };
    return JSON.stringify({ ...line, hash: hashOfLine(line) });
  }
});

describe('given two replicas that publish and write to the catalog at the same time', () => {
  const ROUNDS = 24;

  it('has a chain of everything that was answered with success, in the order of revisions', async () => {
    const second = await startServer({}, server.database);
    const apis = [api, new Api(second.url, second.token)];
    const before = (await api.must('GET', '/api/v1/audit/verify')).json.head.position as number;
    await Promise.all(
      Array.from({ length: ROUNDS }, async (_, round) => {
        const one = apis[round % 2]!;
        await Promise.all([
          one.must('PUT', `${layerPath(`${round % 3 === 0 ? 'orders' : 'billing'}@staging`)}/documents/document-${round}`, `a: ${round}\n`, { 'content-type': 'application/yaml' }),
          one.must('PATCH', `/api/v1/services/${round % 3 === 0 ? 'orders' : 'billing'}`, { owner: `Team ${round}` }),
          one.must('POST', '/api/v1/changes', { title: `Draft ${round}` }),
        ]);
      }),
    );
    await second.close();
    const { json } = await api.must('GET', '/api/v1/audit/verify');
    expect(json).toMatchObject({ valid: true, head: { position: before + 3 * ROUNDS } });
    const revisions = (await exported('action=change.publish')).map(({ revision }) => revision!);
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
  });
});

describe('given the check of the whole chain', () => {
  it('answers where it ends, and takes that as an anchor later', async () => {
    const { json } = await api.must('GET', '/api/v1/audit/verify');
    expect(json).toMatchObject({ valid: true, records: json.head.position });
    await api.must('POST', '/api/v1/changes', { title: 'Later' });
    const later = await api.must('GET', `/api/v1/audit/verify?position=${json.head.position}&hash=${json.head.hash}&sinceAnchor=true`);
    expect(later.json).toMatchObject({ valid: true, records: 1, head: { position: json.head.position + 1 } });
  });

  it('says which position was tampered with first, and logs it', async () => {
    const { dataSource } = server.database;
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    await dataSource.query('ALTER TABLE audit_record DISABLE TRIGGER ALL');
    await dataSource.query(`UPDATE audit_record SET address = '192.0.2.66' WHERE request_id = 'second-edit'`);
    const [{ position }] = (await list('requestId=second-edit')) as [Item];
    const { json } = await api.must('GET', '/api/v1/audit/verify');
    expect(json).toMatchObject({ valid: false, records: position - 1, fault: { reason: 'altered', position } });
    expect(error).toHaveBeenCalledWith(expect.stringContaining(`position ${position}`));
    await dataSource.query(`UPDATE audit_record SET address = '127.0.0.1' WHERE request_id = 'second-edit'`);
    await dataSource.query('ALTER TABLE audit_record ENABLE TRIGGER ALL');
    expect((await api.must('GET', '/api/v1/audit/verify')).json.valid).toBe(true);
  });

  it.each([
    ['?position=1', '/hash'],
    [`?hash=${'0'.repeat(64)}`, '/position'],
    ['?sinceAnchor=true', '/position'],
    ['?position=1&hash=x', '/hash'],
  ])('refuses half an anchor: %s', async (query, pointer) => {
    const answer = await api.get(`/api/v1/audit/verify${query}`);
    expect([answer.status, answer.json.pointer]).toEqual([400, pointer]);
  });
});

describe('given a process that has logged where the audit ends', () => {
  it('logs the next end when it has moved, and says when the one before is gone', async () => {
    const log = jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const anchors = server.app.get(AuditAnchors);
    const { head } = (await api.must('GET', '/api/v1/audit/verify')).json as { head: Anchor };
    await anchors.drop();
    expect(log).toHaveBeenLastCalledWith(expect.stringContaining(`position ${head.position} with the hash ${head.hash}`));
    await anchors.drop();
    expect([log.mock.calls.length, error.mock.calls.length]).toEqual([1, 0]);
    await server.database.dataSource.query('ALTER TABLE audit_chain DISABLE TRIGGER ALL');
    await server.database.dataSource.query('DELETE FROM audit_chain WHERE position = $1', [head.position]);
    await anchors.drop();
    expect(error).toHaveBeenCalledWith(expect.stringContaining(`The chain ends at position ${head.position - 1}`));
  });
});

describe('given more than fits into the buffers of a connection', () => {
  it('is exported as slowly as it is taken, and no further than that', async () => {
    const large = Array.from({ length: 1_200 }, (_, index): AuditEntry => ({ actor: SYSTEM_ACTOR, action: 'change.comment', subject: { number: index, padding: 'x'.repeat(20_000) } }));
    for (let from = 0; from < large.length; from += 500) await server.database.dataSource.transaction((manager) => recordAudits(manager, large.slice(from, from + 500)));
    const pages = jest.spyOn(server.app.get(DataSource), 'query');
    const reads = (): number => pages.mock.calls.filter(([text]: unknown[]) => String(text).includes('FROM audit_chain l ')).length;
    const request = get(`${server.url}/api/v1/audit/export`, { headers: { authorization: `Bearer ${server.token}` } });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    // Nothing is taken: the server comes to rest once the buffers between the two are full.
    let rested = -1;
    await eventually(() => {
      const before = rested;
      rested = reads();
      expect(rested).toBe(before);
    });
    expect(rested).toBeLessThan(4);
    // A client that hangs up ends it.
    response.destroy();
    await eventually(async () => expect((await api.must('GET', '/metrics')).status).toBe(200));
    expect(reads()).toBeLessThan(5);
  });
});
