import { randomBytes } from 'node:crypto';
import type { Access } from '../../src/http/needs';
import { offerSetUp } from '../../src/people/first-administrator';
import { layerPath, type Api, type Answer } from './api';
import { Browser } from './browser';
import { aPerson as personIn } from './people';
import { administratorToken, databaseBehind } from './server';

/** One request that a route answers with success. */
export interface Scenario {
  readonly access: Access;
  readonly status: number;
  readonly query?: string;
  /** The body, or a function that makes one of what {@link given} has answered. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the request needs to find; answers the parameters of the path that are not the usual ones. */
  readonly given?: (api: Api) => Promise<Readonly<Record<string, string | number>>>;
  /** Who asks, when it cannot be an administrator token. */
  readonly as?: (api: Api) => Promise<Api>;
}

const YAML = { 'content-type': 'application/yaml' };
const MERGE_PATCH = { 'content-type': 'application/merge-patch+json' };
const DOCUMENT = '/services/orders/environments/production/documents/application';

const unique = (prefix: string): string => `${prefix}-${randomBytes(4).toString('hex')}`;

async function aChange(api: Api, ...edits: readonly (readonly [path: string, body: unknown, headers?: Record<string, string>])[]): Promise<{ id: number }> {
  const { json } = await api.must('POST', '/api/v1/changes', { title: 'Prepared' });
  for (const [path, body, headers] of edits) await api.must('PUT', `/api/v1/changes/${json.id}${path}`, body, headers);
  return { id: json.id as number };
}

/** Its source is another at every call, so that there always is something to publish. */
const documentEdit = (): readonly [string, string, Record<string, string>] => [DOCUMENT, `prepared: ${unique('value')}\n`, YAML];
const withDocumentEdit = (api: Api) => aChange(api, documentEdit());
const withSchemaEdit = (api: Api) => aChange(api, ['/services/orders/environments/production/schemas/application', { type: 'object' }]);
const withIncludesEdit = (api: Api) => aChange(api, ['/services/orders/environments/production/includes', { includes: [] }]);

const PUBLISHER = { role: 'publisher', services: 'orders', environment: 'production' };
const grantTo = (group: string): object => ({ subject: { kind: 'group', name: group }, ...PUBLISHER });

async function withGrant(api: Api): Promise<{ id: string }> {
  return (await api.must('POST', '/api/v1/grants', grantTo(unique('team')))).json as { id: string };
}

async function aCredential(api: Api, kind: 'tokens' | 'client-keys'): Promise<{ id: string }> {
  const scope = kind === 'tokens' ? { grants: [PUBLISHER] } : { service: 'orders', environment: 'production' };
  return (await api.must('POST', `/api/v1/${kind}`, { name: unique('prepared'), ...scope })).json as { id: string };
}

/** A document of its own, so that no other scenario misses the one they share. */
async function aDocument(api: Api): Promise<{ name: string }> {
  const name = unique('document');
  await api.putYaml('orders@production', 'a: 1\n', name);
  return { name };
}

async function aSealedDocument(api: Api): Promise<Readonly<Record<string, string>>> {
  await api.must('PATCH', `${layerPath('orders@production')}/documents/credentials?seal=true`, JSON.stringify({ password: unique('sealed') }), MERGE_PATCH);
  return {};
}

const PASSWORD = 'quiet lamp on the stair';

async function aPerson(api: Api): Promise<{ id: string; login: string; secret: string }> {
  const login = unique('person');
  const { json } = await api.must('POST', '/api/v1/people', { login, name: `Prepared ${login}` });
  return { id: json.id as string, login, secret: json.link.secret as string };
}

async function aBrowser(api: Api): Promise<Browser> {
  const { secret } = await aPerson(api);
  const browser = new Browser(api.url);
  await browser.must('POST', '/api/v1/links', { secret, password: PASSWORD });
  return browser;
}

async function aLogin(api: Api): Promise<{ login: string }> {
  const { login, secret } = await aPerson(api);
  await new Browser(api.url).must('POST', '/api/v1/links', { secret, password: PASSWORD });
  return { login };
}

async function aMember(api: Api): Promise<{ id: string }> {
  const { id } = await aPerson(api);
  await api.must('PUT', `/api/v1/groups/checkout/members/${id}`);
  return { id };
}

/** Somebody who has written none of what the administrator token has. */
const aReviewer = async (api: Api): Promise<Api> => (await personIn(databaseBehind(api.url), api, unique('reviewer'), { role: 'owner' })).api;

async function ofAnother(api: Api): Promise<{ id: number }> {
  return withDocumentEdit(api.as(await administratorToken(databaseBehind(api.url))));
}

async function withOwnReview(api: Api): Promise<{ id: number; review: number }> {
  const { id } = await ofAnother(api);
  return { id, review: (await api.must('POST', `/api/v1/changes/${id}/reviews`, APPROVAL)).json.id as number };
}

async function withComment(api: Api): Promise<{ id: number; comment: number }> {
  const { id } = await withDocumentEdit(api);
  return { id, comment: (await api.must('POST', `/api/v1/changes/${id}/comments`, { text: 'Why?' })).json.id as number };
}

async function withSchedule(api: Api): Promise<{ id: number }> {
  const { id } = await withDocumentEdit(api);
  await api.must('PUT', `/api/v1/changes/${id}/schedule`, tonight());
  return { id };
}

/** A change that was begun and edited once is at this edition. */
const EDITED_ONCE = 2;
const APPROVAL = { verdict: 'approve', edition: EDITED_ONCE, comment: 'Well done' };
const tonight = (): object => ({ at: new Date(Date.now() + 3_600_000).toISOString(), edition: EDITED_ONCE });

const LAYER = '/api/v1/services/:service/environments/:environment';
const EDIT = '/api/v1/changes/:id/services/:service/environments/:environment';

/**
 * Every route there is, with a request it answers with success. `routes.spec.ts` holds this table and the running
 * application equal, so a route without a scenario fails, and with it what all routes have in common is tested:
 * `routes.spec.ts` their answers, `credentials.spec.ts` who may call them.
 */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'GET /health/live': { access: 'public', status: 200 },
  'GET /health/ready': { access: 'public', status: 200 },
  'GET /metrics': { access: 'view everywhere', status: 200 },
  'GET /openapi.json': { access: 'browse', status: 200 },
  'GET /docs': { access: 'browse', status: 200 },
  'GET /docs/start.js': { access: 'browse', status: 200 },
  'GET /docs/:asset': { access: 'browse', status: 200 },

  'GET /v1/config/:environment/:service': { access: 'self', status: 200 },
  'GET /v1/config/:environment/:service/:document': { access: 'self', status: 200 },

  'GET /api/v1/environments': { access: 'view somewhere', status: 200 },
  'POST /api/v1/environments': { access: 'administer everywhere', status: 201, body: () => ({ name: unique('created'), parent: 'staging', description: 'New' }) },
  'GET /api/v1/environments/:environment': { access: 'view environment', status: 200 },
  'PATCH /api/v1/environments/:environment': { access: 'administer everywhere', status: 200, body: { description: 'Where customers are' } },
  'GET /api/v1/services': { access: 'view somewhere', status: 200 },
  'POST /api/v1/services': { access: 'grant somewhere', status: 201, body: () => ({ name: unique('created'), owner: 'checkout' }) },
  'GET /api/v1/services/:service': { access: 'view service', status: 200 },
  'PATCH /api/v1/services/:service': { access: 'grant whole-service', status: 200, body: { owner: 'checkout' } },
  'DELETE /api/v1/services/:service': {
    access: 'grant whole-service',
    status: 200,
    given: async (api) => ({ service: (await api.must('POST', '/api/v1/services', { name: unique('archived') })).json.name as string }),
  },

  'POST /api/v1/session': { access: 'public', status: 201, given: aLogin, body: ({ login = 'nobody' } = {}) => ({ login, password: PASSWORD }) },
  'GET /api/v1/session': { access: 'signed-in', status: 200 },
  'DELETE /api/v1/session': { access: 'signed-in', status: 200, as: aBrowser },
  'PUT /api/v1/session/password': { access: 'signed-in', status: 200, as: aBrowser, body: { current: PASSWORD, password: 'another lamp on the stair' } },
  'GET /api/v1/session/oidc/start': { access: 'public', status: 303, query: '?return=/services' },
  'GET /api/v1/session/oidc/callback': { access: 'public', status: 303, query: '?code=a&state=b' },
  'GET /api/v1/sessions': { access: 'signed-in', status: 200, as: aBrowser },
  'DELETE /api/v1/sessions': { access: 'signed-in', status: 204 },
  'DELETE /api/v1/sessions/:id': { access: 'signed-in', status: 204, as: aBrowser, given: async (browser) => ({ id: (await browser.must('GET', '/api/v1/session')).json.id as string }) },
  'POST /api/v1/links': { access: 'public', status: 201, given: aPerson, body: ({ secret = 'none' } = {}) => ({ secret, password: PASSWORD }) },
  'POST /api/v1/setup': {
    access: 'public',
    status: 201,
    given: async ({ url }) => ({ secret: (await offerSetUp(databaseBehind(url).dataSource)) ?? 'none' }),
    body: ({ secret = 'none' } = {}) => ({ secret, login: unique('first'), name: 'Ada', password: PASSWORD }),
  },
  'GET /api/v1/people': { access: 'administer everywhere', status: 200, query: '?disabled=true&q=p', given: aPerson },
  'POST /api/v1/people': { access: 'administer everywhere', status: 201, body: () => ({ login: unique('person'), name: 'Ada' }) },
  'GET /api/v1/people/:id': { access: 'administer everywhere', status: 200, given: aMember },
  'PATCH /api/v1/people/:id': { access: 'administer everywhere', status: 200, given: aPerson, body: { name: 'Ada Lovelace', disabled: true } },
  'POST /api/v1/people/:id/links': { access: 'administer everywhere', status: 201, given: aPerson },
  'GET /api/v1/groups': { access: 'administer everywhere', status: 200, given: aMember },
  'GET /api/v1/groups/:group/members': { access: 'administer everywhere', status: 200, given: aMember },
  'PUT /api/v1/groups/:group/members/:id': { access: 'administer everywhere', status: 204, given: aPerson },
  'DELETE /api/v1/groups/:group/members/:id': { access: 'administer everywhere', status: 204, given: aMember },

  'GET /api/v1/grants': { access: 'grant somewhere', status: 200, given: withGrant },
  'POST /api/v1/grants': { access: 'grant somewhere', status: 201, body: () => grantTo(unique('team')) },
  'DELETE /api/v1/grants/:id': { access: 'grant somewhere', status: 204, given: withGrant },
  'GET /api/v1/tokens': { access: 'signed-in', status: 200 },
  'POST /api/v1/tokens': { access: 'signed-in', status: 201, body: { name: 'A pipeline', grants: [PUBLISHER], expiresAt: '2999-01-31T12:00:00Z' } },
  'POST /api/v1/tokens/:id/rotate': { access: 'signed-in', status: 200, body: { overlap: '1h' }, given: (api) => aCredential(api, 'tokens') },
  'DELETE /api/v1/tokens/:id': { access: 'signed-in', status: 204, given: (api) => aCredential(api, 'tokens') },
  'GET /api/v1/client-keys': { access: 'grant somewhere', status: 200 },
  'POST /api/v1/client-keys/:id/rotate': { access: 'grant somewhere', status: 200, body: {}, given: (api) => aCredential(api, 'client-keys') },
  'POST /api/v1/client-keys': { access: 'grant somewhere', status: 201, body: { name: 'orders', service: 'orders', environment: 'production' } },
  'DELETE /api/v1/client-keys/:id': { access: 'grant somewhere', status: 204, given: (api) => aCredential(api, 'client-keys') },
  'GET /api/v1/audit': { access: 'administer everywhere', status: 200 },
  'GET /api/v1/audit/export': { access: 'administer everywhere', status: 200 },
  'GET /api/v1/audit/verify': { access: 'administer everywhere', status: 200 },
  'GET /api/v1/instances': { access: 'view somewhere', status: 200 },
  'GET /api/v1/replicas': { access: 'view everywhere', status: 200 },

  [`GET ${LAYER}`]: { access: 'view layer', status: 200 },
  [`GET ${LAYER}/documents/:name`]: { access: 'view layer', status: 200 },
  [`PUT ${LAYER}/documents/:name`]: { access: 'publish layer', status: 200, body: () => `put: ${unique('value')}\n`, headers: YAML, query: '?message=Why' },
  [`PATCH ${LAYER}/documents/:name`]: { access: 'publish layer', status: 200, body: () => JSON.stringify({ patched: unique('value') }), headers: MERGE_PATCH },
  [`DELETE ${LAYER}/documents/:name`]: { access: 'publish layer', status: 200, given: aDocument },
  [`GET ${LAYER}/schemas/:name`]: { access: 'view layer', status: 200, given: async () => ({ environment: 'base' }) },
  [`PUT ${LAYER}/schemas/:name`]: { access: 'publish layer', status: 200, body: () => ({ type: 'object', title: unique('schema') }) },
  [`DELETE ${LAYER}/schemas/:name`]: {
    access: 'publish layer',
    status: 200,
    given: async (api) => {
      await api.must('PUT', `${layerPath('orders@staging')}/schemas/detached`, { type: 'object' });
      return { environment: 'staging', name: 'detached' };
    },
  },
  [`GET ${LAYER}/includes`]: { access: 'view layer', status: 200 },
  [`PUT ${LAYER}/includes`]: { access: 'publish layer', status: 200, body: { includes: [{ service: 'common' }] } },
  [`DELETE ${LAYER}/includes`]: {
    access: 'publish layer',
    status: 200,
    given: async (api) => {
      await api.include('orders@staging', 'common');
      return { environment: 'staging' };
    },
  },
  [`GET ${LAYER}/effective`]: { access: 'view layer', status: 200 },
  [`GET ${LAYER}/releases`]: { access: 'view layer', status: 200 },
  [`GET ${LAYER}/releases/:version`]: { access: 'view layer', status: 200 },
  [`GET ${LAYER}/compare`]: { access: 'view layer', status: 200, query: '?from=0&to=1' },
  [`POST ${LAYER}/seal`]: { access: 'edit layer', status: 200, body: { value: { password: 'only for scenarios' } } },
  [`POST ${LAYER}/reveal`]: { access: 'reveal layer', status: 200, body: { document: 'credentials' }, given: aSealedDocument },
  'GET /api/v1/data-keys': { access: 'administer everywhere', status: 200 },
  'POST /api/v1/data-keys/rewrap': { access: 'administer everywhere', status: 200 },
  'POST /api/v1/services/:service/data-keys': { access: 'administer everywhere', status: 201 },
  [`POST ${LAYER}/rollback`]: { access: 'publish layer', status: 200, body: { version: 1, message: 'Back' } },

  'GET /api/v1/changes': { access: 'view somewhere', status: 200 },
  'POST /api/v1/changes': { access: 'edit somewhere', status: 201, body: { title: 'Larger pools' } },
  'GET /api/v1/changes/:id': { access: 'view change', status: 200, given: withDocumentEdit },
  'PATCH /api/v1/changes/:id': { access: 'edit change', status: 200, given: withDocumentEdit, body: { title: 'Much larger pools' } },
  'DELETE /api/v1/changes/:id': { access: 'edit change', status: 204, given: withDocumentEdit },
  'GET /api/v1/changes/:id/impact': { access: 'view change', status: 200, given: withDocumentEdit },
  'POST /api/v1/changes/:id/publish': { access: 'publish change', status: 200, given: withDocumentEdit },
  'GET /api/v1/changes/:id/reviews': { access: 'view change', status: 200, given: withDocumentEdit },
  'POST /api/v1/changes/:id/reviews': { access: 'approve change', status: 201, as: aReviewer, given: ofAnother, body: APPROVAL },
  'DELETE /api/v1/changes/:id/reviews/:review': { access: 'view change', status: 204, as: aReviewer, given: withOwnReview },
  'GET /api/v1/changes/:id/comments': { access: 'view change', status: 200, given: withComment },
  'POST /api/v1/changes/:id/comments': { access: 'view change', status: 201, given: withDocumentEdit, body: { text: 'Why so large?', service: 'orders', environment: 'production', document: 'application', line: 1 } },
  'DELETE /api/v1/changes/:id/comments/:comment': { access: 'view change', status: 204, as: aReviewer, given: withComment },
  'PUT /api/v1/changes/:id/schedule': { access: 'publish change', status: 200, given: withDocumentEdit, body: tonight },
  'DELETE /api/v1/changes/:id/schedule': { access: 'publish change', status: 204, given: withSchedule },
  [`PUT ${EDIT}/documents/:name`]: { access: 'edit change', status: 200, given: withDocumentEdit, body: 'a: 1\n', headers: YAML },
  [`PATCH ${EDIT}/documents/:name`]: { access: 'edit change', status: 200, given: withDocumentEdit, body: '{"a":2}', headers: MERGE_PATCH },
  [`DELETE ${EDIT}/documents/:name`]: { access: 'edit change', status: 200, given: withDocumentEdit },
  [`DELETE ${EDIT}/documents/:name/edit`]: { access: 'edit change', status: 200, given: withDocumentEdit },
  [`PUT ${EDIT}/schemas/:name`]: { access: 'edit change', status: 200, given: withDocumentEdit, body: { type: 'object' } },
  [`DELETE ${EDIT}/schemas/:name`]: { access: 'edit change', status: 200, given: async (api) => ({ ...(await withDocumentEdit(api)), environment: 'base' }) },
  [`DELETE ${EDIT}/schemas/:name/edit`]: { access: 'edit change', status: 200, given: withSchemaEdit },
  [`PUT ${EDIT}/includes`]: { access: 'edit change', status: 200, given: withDocumentEdit, body: { includes: [{ service: 'common', revision: 1 }] } },
  [`DELETE ${EDIT}/includes`]: { access: 'edit change', status: 200, given: withDocumentEdit },
  [`DELETE ${EDIT}/includes/edit`]: { access: 'edit change', status: 200, given: withIncludesEdit },

  'GET /api/v1/revisions': { access: 'view somewhere', status: 200 },
  'GET /api/v1/revisions/:revision': { access: 'view somewhere', status: 200 },
  'GET /api/v1/revisions/:revision/convergence': { access: 'view somewhere', status: 200, query: '?wait=10s' },
  'POST /api/v1/revisions/:revision/rollback': {
    access: 'publish somewhere',
    status: 200,
    body: { message: 'Never mind' },
    given: async (api) => ({ revision: (await api.putYaml('orders@staging', `undone: ${unique('value')}\n`)).json.revision as number }),
  },
  'POST /api/v1/recoveries': {
    access: 'administer everywhere',
    status: 201,
    body: () => ({ message: 'Restored', above: Date.now() }),
  },
  'GET /api/v1/compare': { access: 'view somewhere', status: 200, query: '?service=orders&from=staging&to=production' },
  'POST /api/v1/imports': {
    access: 'edit somewhere',
    status: 200,
    body: () => ({ files: [{ path: `${unique('imported')}.yml`, content: 'server.port: 0\n' }], title: 'A repository' }),
  },
  'POST /api/v1/promotions': { access: 'edit somewhere', status: 201, body: { services: ['orders'], from: 'production', to: 'staging' } },
};

/** What the scenarios find. */
export async function givenWorld(api: Api): Promise<void> {
  await api.given({ staging: 'base', production: 'base', 'production-eu': 'production' }, ['orders', 'common', 'billing']);
  await api.putYaml('common@base', 'log:\n  level: info\n');
  await api.putYaml('orders@base', 'db:\n  pool: {max: 10}\n');
  await api.must('PUT', `${layerPath('orders@base')}/schemas/application`, { type: 'object' });
  await api.putYaml('orders@production', 'db:\n  pool: {max: 50}\n');
  await api.putYaml('orders@staging', 'db:\n  pool: {max: 20}\n');
  await api.include('orders@base', 'common');
}

const USUAL: Readonly<Record<string, string | number>> = {
  service: 'orders',
  environment: 'production',
  name: 'application',
  document: 'application',
  asset: 'swagger-ui.css',
  group: 'checkout',
  version: 1,
  revision: 1,
};
const NO_CREDENTIAL = '00000000-0000-4000-8000-000000000000';

/** The path of a route with its parameters filled in. */
export function pathOf(name: string, parameters: Readonly<Record<string, string | number>> = {}): string {
  const [, url = ''] = name.split(' ');
  const id = /grants|tokens|client-keys|sessions|people|groups/.test(url) ? NO_CREDENTIAL : 1;
  const values: Readonly<Record<string, string | number>> = { ...USUAL, id, ...parameters };
  return url.replace(/:(\w+)/g, (_match, parameter: string) => String(values[parameter]));
}

export async function perform(api: Api, name: string, scenario: Scenario): Promise<Answer> {
  const { query = '', body, headers, given, as } = scenario;
  const asking = (await as?.(api)) ?? api;
  const found = await given?.(asking);
  const sent: unknown = typeof body === 'function' ? (body as (found?: object) => unknown)(found) : body;
  return asking.request(name.split(' ')[0]!, pathOf(name, found) + query, sent, headers);
}
