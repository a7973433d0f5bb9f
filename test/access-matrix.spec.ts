import type { Role } from '../src/access/roles';
import { Api, type Answer } from './support/api';
import { aServiceToken, type TestGrant } from './support/people';
import { routesOf, type Route } from './support/routes';
import { givenWorld, pathOf, SCENARIOS, type Scenario } from './support/scenarios';
import { startServer, type TestServer } from './support/server';
import { written } from './support/written';

type Parameters = Readonly<Record<string, string | number>>;
interface Layer {
  readonly service: string;
  readonly environment: string;
}
interface Grant extends Required<Omit<TestGrant, 'reveal'>> {
  readonly reveal?: boolean;
}
interface Holder {
  readonly title: string;
  readonly api: Api;
  readonly kind: 'token' | 'client-key';
  readonly grants: readonly Grant[];
}
/** What a handler asks for beyond what its route declares. */
interface Demand {
  readonly permission: string;
  readonly layers: readonly Layer[];
}

/** What each role may, said once more: the decision under test is not asked what it should decide. */
const MAY: Readonly<Record<Role | 'client', readonly string[]>> = {
  viewer: ['read', 'view'],
  editor: ['read', 'view', 'edit'],
  publisher: ['read', 'view', 'edit', 'publish'],
  approver: ['read', 'view', 'approve'],
  owner: ['read', 'view', 'edit', 'publish', 'approve', 'override', 'grant'],
  admin: ['read', 'view', 'edit', 'publish', 'approve', 'override', 'grant', 'administer'],
  client: ['read', 'reveal'],
};
const PARENTS: Readonly<Record<string, string>> = { staging: 'base', production: 'base', 'production-eu': 'production' };
const PRODUCTION = { service: 'orders', environment: 'production' };
const STAGING = { service: 'orders', environment: 'staging' };

const lineage = (environment: string): string[] => (environment === 'base' ? ['base'] : [...lineage(PARENTS[environment] ?? 'base'), environment]);
const fits = (pattern: string, service: string): boolean => pattern === '*' || (pattern.endsWith('*') ? service.startsWith(pattern.slice(0, -1)) : pattern === service);
const holds = ({ grants }: Holder, permission: string): Grant[] => grants.filter(({ role, reveal }) => (permission === 'reveal' ? reveal : MAY[role].includes(permission)));
const may = (holder: Holder, permission: string, { service, environment }: Layer): boolean =>
  holds(holder, permission).some((grant) => fits(grant.services, service) && lineage(environment).includes(grant.environment));
const mayEverywhere = (holder: Holder, permission: string): boolean => holds(holder, permission).some(({ services, environment }) => services === '*' && environment === 'base');
const mayInEnvironment = (holder: Holder, permission: string, environment: string): boolean =>
  holds(holder, permission).some((grant) => lineage(environment).includes(grant.environment) || lineage(grant.environment).includes(environment));

/** What handlers look at themselves: each route that needs something `somewhere`, or only somebody, has to say it here. */
const BEYOND: Readonly<Record<string, (sent: { readonly parameters: Parameters; readonly body: unknown }) => readonly Demand[] | Promise<readonly Demand[]>>> = {
  'GET /api/v1/environments': () => [],
  'GET /api/v1/services': () => [],
  'GET /api/v1/instances': () => [],
  'GET /api/v1/changes': () => [],
  'POST /api/v1/changes': () => [],
  'GET /api/v1/revisions': () => [],
  'GET /api/v1/grants': () => [],
  'GET /api/v1/client-keys': () => [],
  'GET /api/v1/tokens': () => [],
  'GET /api/v1/session': () => [],
  'DELETE /api/v1/sessions': () => [],
  'POST /api/v1/services': ({ body }) => [{ permission: 'grant', layers: [{ service: (body as { name: string }).name, environment: 'base' }] }],
  'GET /api/v1/revisions/:revision': async ({ parameters }) => [{ permission: 'view', layers: await layersOfRevision(parameters['revision']) }],
  'GET /api/v1/revisions/:revision/convergence': async ({ parameters }) => [{ permission: 'view', layers: await layersOfRevision(parameters['revision']) }],
  'POST /api/v1/revisions/:revision/rollback': async ({ parameters }) => [{ permission: 'publish', layers: await layersOfRevision(parameters['revision']) }],
  'GET /api/v1/compare': () => [{ permission: 'view', layers: [STAGING, PRODUCTION] }],
  'POST /api/v1/promotions': () => [{ permission: 'view', layers: [PRODUCTION] }, { permission: 'edit', layers: [STAGING] }],
  'POST /api/v1/imports': ({ body }) => {
    const service = (body as { files: [{ path: string }] }).files[0].path.replace('.yml', '');
    return ['publish', 'grant'].map((permission) => ({ permission, layers: [{ service, environment: 'base' }] }));
  },
  'PUT /api/v1/changes/:id/services/:service/environments/:environment/includes': () => [{ permission: 'view', layers: [{ service: 'common', environment: 'production' }] }],
  'POST /api/v1/grants': () => [{ permission: 'grant', layers: [PRODUCTION] }],
  'DELETE /api/v1/grants/:id': () => [{ permission: 'grant', layers: [PRODUCTION] }],
  'POST /api/v1/tokens': () => [{ permission: 'grant', layers: [PRODUCTION] }],
  'POST /api/v1/tokens/:id/rotate': () => [{ permission: 'grant', layers: [PRODUCTION] }],
  'DELETE /api/v1/tokens/:id': () => [{ permission: 'grant', layers: [PRODUCTION] }],
  'POST /api/v1/client-keys': () => [{ permission: 'grant', layers: [PRODUCTION] }],
  'POST /api/v1/client-keys/:id/rotate': () => [{ permission: 'grant', layers: [PRODUCTION] }],
  'DELETE /api/v1/client-keys/:id': () => [{ permission: 'grant', layers: [PRODUCTION] }],
};

let server: TestServer;
let admin: Api;
let routes: ReadonlyMap<string, Route>;
let holders: readonly Holder[];

const query = <Row>(sql: string, values: readonly unknown[] = []): Promise<Row[]> => server.database.dataSource.query(sql, [...values]);
const layersOfRevision = (revision: unknown): Promise<Layer[]> =>
  query(`SELECT s.name AS service, e.name AS environment FROM release r JOIN layer l ON l.id = r.layer_id JOIN service s ON s.id = l.service_id
           JOIN environment e ON e.id = l.environment_id WHERE r.revision = $1`, [revision]);
const layersOfChange = (id: unknown): Promise<Layer[]> =>
  query(`SELECT DISTINCT s.name AS service, e.name AS environment FROM change_edit c JOIN service s ON s.id = c.service_id JOIN environment e ON e.id = c.environment_id
          WHERE c.change_id = $1`, [id]);

beforeAll(async () => {
  server = await startServer({ http: { requestsPerSecond: 1_000_000, readsPerSecond: 1_000_000, strangersPerMinute: 1_000_000 } });
  admin = new Api(server.url, server.token);
  await givenWorld(admin);
  routes = new Map((await routesOf(server.database)).map((route) => [route.name, route]));
  holders = await makeHolders();
});
afterAll(() => server.close());

async function makeHolders(): Promise<Holder[]> {
  const made: Holder[] = [];
  const add = async (title: string, ...grants: readonly Grant[]): Promise<void> => {
    made.push({ title, kind: 'token', grants, api: await aServiceToken(server.database, admin, grants) });
  };
  await add('nothing');
  await add('admin of everything', { role: 'admin', services: '*', environment: 'base' });
  await add('viewer of everything', { role: 'viewer', services: '*', environment: 'base' });
  for (const role of ['viewer', 'editor', 'publisher', 'approver', 'owner'] as const) {
    for (const environment of ['production', 'base']) await add(`${role} of orders@${environment}`, { role, services: 'orders', environment });
  }
  for (const [services, environment] of [['orders', 'staging'], ['orders', 'production-eu'], ['billing', 'base'], ['orders-*', 'base']] as const) {
    await add(`owner of ${services}@${environment}`, { role: 'owner', services, environment });
  }
  await add('publisher of production, viewer of staging', { role: 'publisher', services: 'orders', environment: 'production' }, { role: 'viewer', services: 'orders', environment: 'staging' });
  await add('viewer who is shown secrets', { role: 'viewer', services: 'orders', environment: 'production', reveal: true });
  const { secret } = (await admin.must('POST', '/api/v1/client-keys', { name: 'orders', ...PRODUCTION })).json as { secret: string };
  return [...made, { title: 'client key of orders@production', kind: 'client-key', grants: [], api: admin.as(secret) }];
}

const bodyOf = ({ body }: Scenario, found?: object): unknown => (typeof body === 'function' ? (body as (found?: object) => unknown)(found) : body);
const send = (api: Api, name: string, { query: search = '', headers }: Scenario, parameters: Parameters, body: unknown): Promise<Answer> =>
  api.request(name.split(' ')[0]!, pathOf(name, parameters) + search, body, headers);

/** The statuses that may come of it, by the plain table above; undefined: it is allowed. */
async function refusalOf(holder: Holder, name: string, parameters: Parameters, body: unknown): Promise<readonly number[] | undefined> {
  const access = routes.get(name)!.access!;
  const usual = { service: 'orders', environment: 'production', revision: 1, ...parameters };
  const layer = { service: String(usual.service), environment: String(usual.environment) };
  if (access === 'public' || access === 'browse') return undefined;
  if (access === 'self') return (holder.kind === 'client-key' ? layer.service === 'orders' && lineage(layer.environment).includes('production') : may(holder, 'read', layer)) ? undefined : [403];
  if (holder.kind === 'client-key') return [403];
  if (access !== 'signed-in') {
    const [permission, where] = access.split(' ') as [string, string];
    const grants = holds(holder, permission);
    const isAllowed = ({
      layer: () => may(holder, permission, layer),
      service: () => grants.some(({ services }) => fits(services, layer.service)),
      'whole-service': () => may(holder, permission, { ...layer, environment: 'base' }),
      environment: () => mayInEnvironment(holder, permission, layer.environment),
      change: () => grants.length > 0,
      somewhere: () => grants.length > 0,
      everywhere: () => mayEverywhere(holder, permission),
    })[where]!();
    if (!isAllowed) return [403];
    if (where === 'change') {
      const layers = await layersOfChange(parameters['id']);
      const isSeen = layers.length === 0 ? mayEverywhere(holder, 'administer') : layers.every((one) => may(holder, 'view', one));
      if (!isSeen) return [404];
      if (name.includes(':environment')) layers.push(layer);
      if (!layers.every((one) => may(holder, permission, one))) return [403];
    }
  }
  const demands = (await BEYOND[name]?.({ parameters: usual, body })) ?? [];
  return demands.every(({ permission, layers }) => layers.every((one) => may(holder, permission, one))) ? undefined : [403, 404];
}

/** Routes that tokens are no use for: somebody signs in, or looks after their own session. */
const forTokens = Object.entries(SCENARIOS).filter(([, { access, as }]) => access !== 'public' && as === undefined);

describe('given the routes of the running application', () => {
  it('knows of each what it needs, how to ask it, and what its handler asks beyond that', () => {
    expect([...routes.keys()]).toEqual(Object.keys(SCENARIOS).sort());
    const shape = /^(?:public|self|browse|signed-in|(?:read|view|edit|publish|override|approve|grant|administer|reveal) (?:layer|service|whole-service|environment|change|somewhere|everywhere))$/;
    expect([...routes.values()].filter(({ access }) => !shape.test(access ?? '')).map(({ name }) => name)).toEqual([]);
    const open = forTokens.map(([name]) => name).filter((name) => /^signed-in$| somewhere$/.test(routes.get(name)!.access!));
    expect(open.filter((name) => !Object.hasOwn(BEYOND, name))).toEqual([]);
  });
});

/** Sends it for whoever may not, and answers who may. */
async function expectRefusals(name: string, scenario: Scenario, found: Parameters): Promise<Holder[]> {
  const body = bodyOf(scenario, found);
  const before = await state();
  const wrong: string[] = [];
  const verdicts = await Promise.all(
    holders.map(async (holder) => {
      const refusal = await refusalOf(holder, name, found, body);
      if (refusal === undefined) return [holder];
      const answer = await send(holder.api, name, scenario, found, body);
      if (!refusal.includes(answer.status)) wrong.push(`${holder.title}: ${answer.status} instead of ${refusal.join(' or ')} ${answer.text}`);
      return [];
    }),
  );
  expect(wrong).toEqual([]);
  expect(await state()).toEqual(before);
  return verdicts.flat();
}

describe.each(forTokens)('%s', (name, scenario) => {
  it('is for those, and only those, who hold what it needs where it acts', async () => {
    const found = (await scenario.given?.(admin)) ?? {};
    const allowed = await expectRefusals(name, scenario, found);
    expect(allowed).not.toEqual([]);
    const wrong: string[] = [];
    const isRead = name.startsWith('GET ');
    for (const holder of allowed) {
      if (name.includes('rollback')) await admin.putYaml('orders@production', `moved: ${Math.random()}\n`);
      const mine = isRead ? found : ((await scenario.given?.(admin)) ?? {});
      const sent = bodyOf(scenario, mine);
      const answer = await send(holder.api, name, scenario, mine, sent);
      if (answer.status !== scenario.status) wrong.push(`${holder.title}: ${answer.status} instead of ${scenario.status} ${answer.text}`);
    }
    expect(wrong).toEqual([]);
  });
});

/** What only a person can do, with a permission: that the right one can is shown with the rest of the scenarios. */
const forPeople = Object.entries(SCENARIOS).filter(([, { access, as }]) => access !== 'signed-in' && as !== undefined);

describe.each(forPeople)('%s', (name, scenario) => {
  it('is refused to whoever does not hold what it needs where it acts', async () => {
    const found = (await scenario.given?.((await scenario.as?.(admin)) ?? admin)) ?? {};
    const allowed = await expectRefusals(name, scenario, found);
    expect(allowed.length).toBeLessThan(holders.length);
  });
});

async function state(): Promise<unknown> {
  const all = (await written(server.database.dataSource)) as Record<string, unknown>;
  // That somebody was refused may well be recorded.
  return Object.entries(all).filter(([name]) => name !== 'audited');
}
