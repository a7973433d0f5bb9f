import type { Role } from '../src/access/roles';
import { Api, layerPath, type Answer } from './support/api';
import { eventually } from './support/eventually';
import { OUTSIDE, plantOutside, type OutsideWorld } from './support/outside-world';
import { aServiceToken } from './support/people';
import { givenWorld, pathOf, SCENARIOS, type Scenario } from './support/scenarios';
import { startServer, type TestServer } from './support/server';
import { written } from './support/written';

/**
 * Who holds something on `orders@production` learns nothing of whatever else there is: not by name, not by id, not by count.
 * Held by planting a word in everything outside and looking for it in every answer, by asking for things that are outside and
 * for things that are not there at all, and by letting the outside grow without any answer changing.
 */
let server: TestServer;
let admin: Api;
let outside: OutsideWorld;
let holders: Readonly<Record<'viewer' | 'editor' | 'publisher' | 'approver' | 'owner', Api>>;

beforeAll(async () => {
  server = await startServer({ http: { requestsPerSecond: 1_000_000, readsPerSecond: 1_000_000, strangersPerMinute: 1_000_000 } });
  admin = new Api(server.url, server.token);
  await givenWorld(admin);
  outside = await plantOutside(admin);
  const holding = (role: Role): Promise<Api> => aServiceToken(server.database, admin, [{ role, services: 'orders', environment: 'production' }]);
  holders = { viewer: await holding('viewer'), editor: await holding('editor'), publisher: await holding('publisher'), approver: await holding('approver'), owner: await holding('owner') };
});
afterAll(async () => {
  outside.disconnect();
  await server.close();
});

const ORDERS = layerPath('orders@production');
const MERGE_PATCH = { 'content-type': 'application/merge-patch+json' };
const YAML = { 'content-type': 'application/yaml' };

const bodyOf = ({ body }: Scenario): unknown => (typeof body === 'function' ? (body as (found: object) => unknown)({}) : body);
const ask = (api: Api, name: string, parameters: Readonly<Record<string, string | number>>): Promise<Answer> => {
  const scenario = SCENARIOS[name]!;
  return api.request(name.split(' ')[0]!, pathOf(name, parameters) + (scenario.query ?? ''), bodyOf(scenario), scenario.headers);
};
/** What an answer says, its head included, but for what tells one request from another. */
const saidBy = ({ headers, text }: Answer): string =>
  [...headers].filter(([name]) => ['location', 'etag', 'link', 'content-location'].includes(name)).join('\n') + text.replace(/"requestId":"[^"]*"/, '');

/** Ids and names of the outside, and such that do not exist, by the parameter of the path that they stand for. */
function guesses(name: string): readonly (readonly [outside: Record<string, string | number>, nothing: Record<string, string | number>])[] {
  const nobody = '11111111-1111-4111-8111-111111111111';
  const found: [Record<string, string | number>, Record<string, string | number>][] = [];
  if (name.includes('/:service')) found.push([{ service: outside.service }, { service: 'nothing' }]);
  if (name.includes('/:environment')) for (const environment of [outside.environment, 'staging', ...(name.includes('/:service') ? ['base'] : [])]) found.push([{ environment }, { environment: 'nowhere' }]);
  if (name.includes('changes/:id')) for (const id of Object.values(outside.changes)) found.push([{ id }, { id: 999_999 }]);
  if (name.includes('revisions/:revision')) found.push([{ revision: outside.revision }, { revision: 999_999 }]);
  for (const [place, id] of [['tokens/:id', outside.token], ['client-keys/:id', outside.key], ['grants/:id', outside.grant], ['people/:id', outside.person], ['members/:id', outside.person]] as const) {
    if (name.includes(place)) found.push([{ id }, { id: nobody }]);
  }
  if (name.includes('/:group')) found.push([{ group: outside.group }, { group: 'nobodies' }]);
  return found;
}

const guessed = Object.keys(SCENARIOS).filter((name) => name.includes('/:') && !name.includes(':asset') && SCENARIOS[name]!.as === undefined);

describe.each(guessed)('%s', (name) => {
  it('answers what is outside as it answers what is not there', async () => {
    const before = await state();
    const wrong: string[] = [];
    for (const [title, api] of Object.entries(holders)) {
      for (const [there, nothing] of guesses(name)) {
        const [one, other] = await Promise.all([ask(api, name, there), ask(api, name, nothing)]);
        const [name1, name2] = [Object.values(there)[0]!, Object.values(nothing)[0]!].map(String);
        const [said, expected] = [saidBy(one).replaceAll(name1!, '…'), saidBy(other).replaceAll(name2!, '…')];
        if (![403, 404].includes(one.status) || one.status !== other.status || said !== expected || said.includes(OUTSIDE)) {
          wrong.push(`${title} ${JSON.stringify(there)}: ${one.status} ${said} but ${other.status} ${expected}`);
        }
      }
    }
    expect(guesses(name)).not.toEqual([]);
    expect(wrong).toEqual([]);
    expect(await state()).toEqual(before);
  });
});

async function state(): Promise<unknown> {
  const all = (await written(server.database.dataSource)) as Record<string, unknown>;
  // That somebody was refused may well be recorded.
  return Object.entries(all).filter(([name]) => name !== 'audited');
}

/** Every list whole, one item after the other, so that what is left out cannot be told by a page either. */
async function walked(api: Api, path: string): Promise<string> {
  let said = '';
  for (let cursor = ''; ; ) {
    const answer = await api.get(`${path}${path.includes('?') ? '&' : '?'}limit=1${cursor}`);
    expect(answer.status).toBe(200);
    expect(answer.json.items.length).toBe(answer.json.nextCursor === undefined ? answer.json.items.length : 1);
    said += JSON.stringify(answer.json.items);
    if (answer.json.nextCursor === undefined) return said;
    cursor = `&cursor=${answer.json.nextCursor}`;
  }
}

const LISTS = ['/api/v1/environments', '/api/v1/services', '/api/v1/services?archived=true', `/api/v1/services?q=${OUTSIDE}`, '/api/v1/changes', '/api/v1/changes?status=published', '/api/v1/revisions', '/api/v1/instances', `${ORDERS}/releases`];
const READS = [
  ORDERS, `${ORDERS}/documents/application`, `${ORDERS}/includes`, `${ORDERS}/effective`, `${ORDERS}/releases/1`, `${ORDERS}/compare?from=0&to=1`,
  '/api/v1/services/orders', '/api/v1/environments/production', '/api/v1/environments/base', '/api/v1/compare?service=orders&from=production&to=production-eu',
  '/v1/config/production/orders', '/v1/config/production/orders?origin=true', '/v1/config/production/orders/application', '/v1/config/production-eu/orders',
  '/openapi.json',
];

/** What everybody of the inside is shown, by path; the position of the log is everybody's. */
async function shownTo(api: Api): Promise<Record<string, string>> {
  const shown: Record<string, string> = {};
  for (const path of LISTS) shown[path] = await walked(api, path);
  for (const path of READS) {
    const answer = await api.get(path);
    shown[path] = `${answer.status} ${saidBy(answer)}`;
  }
  return shown;
}

describe('given an outside that grows', () => {
  it('shows nothing of it, and nothing that changes with it', async () => {
    const before = await Promise.all(Object.values(holders).map(shownTo));
    (await plantOutside(admin, '-more')).disconnect();
    const after = await Promise.all(Object.values(holders).map(shownTo));
    expect(after).toEqual(before);
    for (const shown of after) {
      expect(Object.entries(shown).filter(([, said]) => said.includes(OUTSIDE))).toEqual([]);
      expect(Object.entries(shown).filter(([, said]) => /^\d/.test(said) && !said.startsWith('200 '))).toEqual([]);
    }
    expect(JSON.parse(after[0]!['/api/v1/environments']!.replaceAll('][', ',')).map(({ name }: { name: string }) => name)).toEqual(['base', 'production', 'production-eu']);
    expect(JSON.parse(after[0]!['/api/v1/services']!.replaceAll('][', ',')).map(({ name }: { name: string }) => name)).toEqual(['orders']);
  });

  it('names in the lists of an owner what is theirs to give, and nothing else', async () => {
    for (const path of ['/api/v1/grants', '/api/v1/tokens', '/api/v1/client-keys']) {
      const { status, text } = await holders.owner.get(path);
      expect([path, status]).toEqual([path, 200]);
      expect(text).not.toContain(OUTSIDE);
    }
  });

  it.each<[string, () => string, number]>([
    ['an environment outside', () => `/api/v1/instances?below=${outside.environment}`, 403],
    ['an environment that is not there', () => '/api/v1/instances?below=nowhere', 403],
    ['a revision outside', () => `/api/v1/instances?behind=${outside.revision}`, 404],
    ['a revision that is not there', () => '/api/v1/instances?behind=999999', 404],
    ['a service outside', () => `/api/v1/instances?service=${outside.service}`, 200],
    ['two environments of which one is outside', () => '/api/v1/compare?service=orders&from=production&to=staging', 403],
    ['a service outside, between environments', () => `/api/v1/compare?service=${outside.service}&from=production&to=production-eu`, 403],
    ['a service that is not there, between environments', () => '/api/v1/compare?service=nothing&from=production&to=production-eu', 403],
    ['the numbers of this process', () => '/metrics', 403],
    ['the replicas', () => '/api/v1/replicas', 403],
    ['the audit', () => '/api/v1/audit', 403],
  ])('asked for %s, is told nothing', async (_title, path, status) => {
    for (const api of Object.values(holders)) {
      const answer = await api.get(path());
      expect([answer.status, saidBy(answer).replaceAll(outside.service, '…')]).toEqual([status, expect.not.stringContaining(OUTSIDE)]);
      if (status === 200) expect(answer.json.items).toEqual([]);
    }
  });
});

describe('given a revision and a change that touch the inside and the outside', () => {
  it('shows the revision as far as it is inside, and what was written of all of it to whoever sees all of it', async () => {
    const { id } = (await admin.must('POST', '/api/v1/changes', { title: `${OUTSIDE} and here` })).json as { id: number };
    for (const layer of [`${outside.service}@production`, 'orders@production-eu']) {
      await admin.must('PUT', `/api/v1/changes/${id}${layerPath(layer).replace('/api/v1', '')}/documents/mixed`, 'mixed: true\n', YAML);
    }
    const { revision } = (await admin.must('POST', `/api/v1/changes/${id}/publish`, {})).json as { revision: number };
    const path = `/api/v1/revisions/${revision}`;
    const { json, text } = await holders.viewer.must('GET', path);
    expect(json.layers).toEqual([{ service: 'orders', environment: 'production-eu', version: 1 }]);
    expect(text).not.toContain(OUTSIDE);
    expect((await admin.must('GET', path)).json.message).toContain(OUTSIDE);
    for (const list of ['/api/v1/revisions', `${layerPath('orders@production-eu')}/releases`]) {
      const listed = await holders.viewer.must('GET', list);
      expect(listed.json.items[0]).toMatchObject({ revision, message: json.message });
      expect(listed.text).not.toContain(OUTSIDE);
    }
    expect((await holders.viewer.get(`/api/v1/changes/${id}`)).status).toBe(404);
    expect((await holders.viewer.get(`/api/v1/changes?status=published`)).text).not.toContain(OUTSIDE);

    const undone = await holders.owner.post(`${path}/rollback`, { dryRun: true });
    expect([undone.status, undone.text]).toEqual([403, expect.not.stringContaining(OUTSIDE)]);
  });

  it('lists every other revision of the inside, however many of the outside lie between', async () => {
    const mine = (await holders.publisher.putYaml('orders@production', 'last: 1\n', 'paged')).json.revision as number;
    for (let count = 0; count < 5; count += 1) await admin.putYaml(`${outside.service}@base`, `many: ${count}\n`);
    const { items } = (await holders.viewer.must('GET', '/api/v1/revisions?limit=1')).json as { items: { revision: number }[] };
    expect(items.map(({ revision }) => revision)).toEqual([mine]);
  });
});

describe('given a publish that reaches configs outside', () => {
  it('lists and counts what it does inside', async () => {
    for (const query of ['?dryRun=true', '']) {
      const { json, text } = await holders.publisher.must('PATCH', `${ORDERS}/documents/application${query}`, JSON.stringify({ reached: query.length + 1 }), MERGE_PATCH);
      expect(json.impact.map(({ service, environment }: Record<string, string>) => `${service}@${environment}`)).toEqual(['orders@production', 'orders@production-eu']);
      expect(json.truncated).toBeUndefined();
      expect(text).not.toContain(OUTSIDE);
      if (query !== '') continue;
      const converged = await holders.publisher.must('GET', `/api/v1/revisions/${json.revision}/convergence`);
      expect(converged.json.total).toBe(0);
      expect((await admin.must('GET', `/api/v1/revisions/${json.revision}/convergence`)).json.total).toBe(1);
      expect(converged.text).not.toContain(OUTSIDE);
    }
    expect((await admin.must('PATCH', `${ORDERS}/documents/application?dryRun=true`, '{"reached":0}', MERGE_PATCH)).text).toContain(OUTSIDE);
  });

  it('is refused where it would break one, without a word about it', async () => {
    for (const query of ['?dryRun=true', '']) {
      const answer = await holders.publisher.request('PATCH', `${ORDERS}/documents/application${query}`, '{"not-in-the-ledger":1}', MERGE_PATCH);
      expect([answer.status, answer.json.code]).toEqual([422, 'schema_violation']);
      expect(answer.json.detail).toContain('a config that you may not view');
      expect(answer.text).not.toContain(OUTSIDE);
    }
    const told = await admin.request('PATCH', `${ORDERS}/documents/application?dryRun=true`, '{"not-in-the-ledger":1}', MERGE_PATCH);
    expect(told.text).toContain(outside.service);
  });

  it('asks nothing of one with a schema, which would be answered for any value there is', async () => {
    await admin.must('POST', '/api/v1/services', { name: 'asked' });
    await admin.putYaml('asked@production', 'number: 4711\n', 'card');
    await admin.include('asked@production', 'orders');
    const attach = (api: Api, maximum: number, query = '?dryRun=true'): Promise<Answer> =>
      api.request('PUT', `${ORDERS}/schemas/card${query}`, JSON.stringify({ properties: { number: { maximum } } }), { 'content-type': 'application/schema+json' });
    const saidOf = async (api: Api): Promise<number[]> => [(await attach(api, 4711)).status, (await attach(api, 4710)).status];
    expect([await saidOf(admin), await saidOf(holders.publisher)]).toEqual([[200, 422], [200, 200]]);
    // Nor when it has been there before.
    await attach(holders.publisher, 4710, '');
    expect((await holders.publisher.request('PUT', `${ORDERS}/documents/card?dryRun=true`, 'other: 1\n', YAML)).status).toBe(200);
  });

  it('is refused where it would close a cycle of includes, without a word about it', async () => {
    await admin.must('POST', '/api/v1/services', { name: 'shared' });
    await admin.include('shared@base', outside.service);
    const sharing = await aServiceToken(server.database, admin, [{ role: 'publisher', services: 'orders', environment: 'production' }, { role: 'viewer', services: 'shared', environment: 'base' }]);
    const answer = await sharing.include('orders@production', 'shared');
    expect([answer.status, answer.json.code]).toEqual([422, 'include_cycle']);
    expect(answer.text).not.toContain(OUTSIDE);
    expect((await admin.include('orders@production', 'shared')).text).toContain(outside.service);
  });

  it('is told in an archived service only of who includes it that may be viewed', async () => {
    const owner = await aServiceToken(server.database, admin, [{ role: 'owner', services: 'orders', environment: 'base' }]);
    const answer = await owner.request('DELETE', '/api/v1/services/orders');
    expect([answer.status, answer.json.code, answer.json.includedBy]).toEqual([409, 'service_included', []]);
    expect(answer.text).not.toContain(OUTSIDE);
    expect((await admin.request('DELETE', '/api/v1/services/orders')).text).toContain(outside.service);
  });
});

describe('given an include of what may not be viewed', () => {
  const including = (service: string): object => ({ includes: [{ service: 'common' }, { service }] });

  it.each(['PUT includes', 'an edit of a change', 'an import', 'a promotion', 'a new service'])('is refused by %s, whether or not there is such a service', async (how) => {
    const said = async (service: string): Promise<readonly [number, string]> => {
      const { owner } = holders;
      const send = async (): Promise<Answer> => {
        switch (how) {
          case 'PUT includes': return owner.request('PUT', `${ORDERS}/includes?dryRun=true`, including(service));
          case 'an edit of a change': {
            const { id } = (await owner.must('POST', '/api/v1/changes', { title: 'Mine' })).json as { id: number };
            return owner.request('PUT', `/api/v1/changes/${id}/services/orders/environments/production/includes`, including(service));
          }
          case 'an import': return owner.post('/api/v1/imports', { files: [{ path: 'orders-production.yml', content: 'a: 1\n' }, { path: 'application.yml', content: 'a: 1\n' }], commonService: service });
          case 'a promotion': return owner.post('/api/v1/promotions', { services: [service], from: 'production', to: 'production-eu' });
          default: return owner.post('/api/v1/services', { name: service });
        }
      };
      const answer = await send();
      return [answer.status, saidBy(answer).replaceAll(service, '…')];
    };
    const there = await said(outside.service);
    expect(there).toEqual(await said('nothing'));
    expect(there).toEqual([403, expect.not.stringContaining(OUTSIDE)]);
  });

  it('is refused when somebody else proposed it, and when it lies in the past', async () => {
    await admin.must('POST', '/api/v1/services', { name: `${OUTSIDE}-library` });
    const { id } = (await admin.must('POST', '/api/v1/changes', { title: 'Include' })).json as { id: number };
    await admin.must('PUT', `/api/v1/changes/${id}/services/orders/environments/production/includes`, including(`${OUTSIDE}-library`));
    expect((await holders.publisher.post(`/api/v1/changes/${id}/publish`, {})).status).toBe(403);
    expect((await holders.viewer.get(`/api/v1/changes/${id}/impact`)).status).toBe(403);

    await admin.must('PUT', `${ORDERS}/includes`, including(`${OUTSIDE}-library`));
    // What is included already may stay where it is.
    await holders.publisher.must('PUT', `${ORDERS}/includes`, { includes: [{ service: `${OUTSIDE}-library` }] });
    const { version } = (await admin.must('GET', ORDERS)).json as { version: number };
    await admin.must('PUT', `${ORDERS}/includes`, { includes: [] });
    expect((await holders.publisher.post(`${ORDERS}/rollback`, { version })).status).toBe(403);
    await admin.must('POST', `${ORDERS}/rollback`, { version });
    // A pin is another revision of it to read.
    expect((await holders.publisher.request('PUT', `${ORDERS}/includes`, { includes: [{ service: `${OUTSIDE}-library`, revision: 1 }] })).status).toBe(403);
    await admin.must('PUT', `${ORDERS}/includes`, { includes: [] });
  });
});

describe('given grants that change', () => {
  it('shows the rest as soon as it is granted', async () => {
    const granted = await aServiceToken(server.database, admin, [{ role: 'viewer', services: 'orders', environment: 'production' }, { role: 'viewer', services: `${OUTSIDE}*`, environment: 'base' }]);
    await eventually(async () => {
      for (const path of LISTS.filter((one) => !one.includes('releases') && !one.includes('archived'))) expect([path, (await granted.get(path)).text]).toEqual([path, expect.stringContaining(OUTSIDE)]);
    });
  });
});
