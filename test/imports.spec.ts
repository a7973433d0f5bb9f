import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { RepositoryFile } from '../src/imports/repository-files';
import { Api, layerPath } from './support/api';
import { startServer, type TestServer } from './support/server';

const PETCLINIC = path.resolve(__dirname, '../examples/petclinic-config');

/** What `application.yml` gives every service without a profile, written down by hand from the file. */
const COMMON = {
  server: { port: 0, shutdown: 'graceful' },
  spring: {
    sql: { init: { 'schema-locations': 'classpath*:db/hsqldb/schema.sql', 'data-locations': 'classpath*:db/hsqldb/data.sql' } },
    sleuth: { sampler: { probability: 1 } },
    cloud: { config: { 'allow-override': true, 'override-none': true }, refresh: { refreshable: false } },
    jpa: { 'open-in-view': false, hibernate: { 'ddl-auto': 'none' } },
  },
  management: {
    security: { enabled: false },
    endpoints: { web: { exposure: { include: '*' } } },
    endpoint: { metrics: { enabled: true }, prometheus: { enabled: true } },
    metrics: { export: { prometheus: { enabled: true } } },
    tracing: { sampling: { probability: 1 } },
  },
  logging: { level: { org: { springframework: 'INFO' } } },
  eureka: { instance: { 'prefer-ip-address': true } },
};
const ZIPKIN = { zipkin: { endpoint: 'http://tracing-server:9411/api/v2/spans' } };
const DOCKER_TRACING = { ...COMMON.management, tracing: { ...COMMON.management.tracing, export: ZIPKIN } };
const DOCKER_EUREKA = { ...COMMON.eureka, client: { serviceUrl: { defaultZone: 'http://discovery-server:8761/eureka/' } } };
const RANDOM_INSTANCE = { instance: { 'prefer-ip-address': true, 'instance-id': '${spring.application.name}:${random.uuid}' } };
const VETS = { vets: { cache: { ttl: 60, 'heap-size': 100 } } };
const CHAOS = {
  management: { ...COMMON.management, endpoint: { ...COMMON.management.endpoint, chaosmonkey: { enabled: true } } },
  chaos: {
    monkey: {
      enabled: true,
      watcher: { component: false, controller: false, repository: false, 'rest-controller': false, service: false },
    },
  },
};
const MYSQL_SPRING = {
  ...COMMON.spring,
  datasource: {
    url: 'jdbc:mysql://localhost:3306/petclinic?allowPublicKeyRetrieval=true&useSSL=false',
    username: 'root',
    password: 'petclinic',
  },
  sql: { init: { 'schema-locations': 'classpath*:db/mysql/schema.sql', 'data-locations': 'classpath*:db/mysql/data.sql', mode: 'ALWAYS' } },
};
const GATEWAY = {
  server: {
    port: 8080,
    shutdown: 'graceful',
    compression: { enabled: true, 'mime-types': 'application/json,text/css,application/javascript', 'min-response-size': 2048 },
  },
  spring: { ...COMMON.spring, reactor: { 'context-propagation': 'auto' }, messages: { basename: 'messages/messages' } },
};
const docker = (port: number) => ({ ...COMMON, server: { ...COMMON.server, port }, management: DOCKER_TRACING, eureka: DOCKER_EUREKA });

const SPRING_GIVES: Record<string, unknown> = {
  'application@base': COMMON,
  'vets-service@base': { ...COMMON, ...VETS },
  'vets-service@default': { ...COMMON, ...VETS, eureka: RANDOM_INSTANCE },
  'vets-service@docker': { ...docker(8083), ...VETS },
  'vets-service@mysql': { ...COMMON, ...VETS, spring: MYSQL_SPRING },
  'vets-service@chaos-monkey': { ...COMMON, ...VETS, ...CHAOS },
  'customers-service@base': COMMON,
  'customers-service@default': { ...COMMON, eureka: RANDOM_INSTANCE },
  'customers-service@docker': docker(8081),
  'visits-service@docker': docker(8082),
  'genai-service@docker': docker(8084),
  'customers-service@mysql': { ...COMMON, spring: MYSQL_SPRING },
  'api-gateway@base': { ...COMMON, ...GATEWAY },
  'api-gateway@docker': { ...docker(8080), ...GATEWAY },
  'api-gateway@default': { ...COMMON, ...GATEWAY },
  'admin-server@docker': docker(9090),
  'tracing-server@default': { ...COMMON, server: { port: 9411, shutdown: 'graceful' }, eureka: RANDOM_INSTANCE },
  'discovery-server@docker': {
    ...COMMON,
    server: { port: 8761, shutdown: 'graceful' },
    management: DOCKER_TRACING,
    eureka: {
      instance: { 'prefer-ip-address': true, hostname: 'localhost' },
      client: {
        registerWithEureka: false,
        fetchRegistry: false,
        serviceUrl: { defaultZone: 'http://${eureka.instance.hostname}:${server.port}/eureka/' },
      },
    },
  },
};

function petclinic(edit: Record<string, (content: string) => string> = {}): RepositoryFile[] {
  return readdirSync(PETCLINIC).map((name) => {
    const content = readFileSync(path.join(PETCLINIC, name), 'utf8');
    return { path: name, content: edit[name]?.(content) ?? content };
  });
}

describe('given the configuration repository of the Spring PetClinic', () => {
  let server: TestServer;
  let api: Api;

  beforeAll(async () => {
    server = await startServer();
    api = new Api(server.url, server.token);
  });
  afterAll(() => server.close());

  it('shows on a dry run what an import would do, and writes nothing', async () => {
    const { status, json } = await api.post('/api/v1/imports', { files: petclinic(), dryRun: true });
    expect(status).toBe(200);
    expect(json.revision).toBeUndefined();
    expect(json.services).toContainEqual({ name: 'vets-service', created: true });
    expect(json.layers).toContainEqual({ service: 'vets-service', environment: 'docker', version: 1 });
    expect(json.impact).toContainEqual({ service: 'vets-service', environment: 'mysql', instances: 0, keys: 24 });
    expect((await api.get('/api/v1/services/vets-service')).status).toBe(404);
    expect((await api.get('/api/v1/environments/docker')).status).toBe(404);
    expect((await api.get('/api/v1/revisions')).json.items).toEqual([]);
  });

  it('imports it as one change and one revision', async () => {
    const { status, json } = await api.post('/api/v1/imports', { files: petclinic(), title: 'Import PetClinic' });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      revision: 1,
      services: ['application', 'admin-server', 'api-gateway', 'customers-service', 'discovery-server', 'genai-service', 'tracing-server', 'vets-service', 'visits-service'].map(
        (name) => ({ name, created: true }),
      ),
      ignored: [{ path: 'LICENSE', reason: 'not YAML, properties, JSON or TOML' }],
      warnings: [],
      leftover: [],
    });
    expect(json.environments.map(({ name }: { name: string }) => name).sort()).toEqual(['chaos-monkey', 'default', 'docker', 'mysql']);
    const { json: revisions } = await api.get('/api/v1/revisions');
    expect(revisions.items).toMatchObject([{ revision: 1, kind: 'import', message: 'Import PetClinic' }]);
    expect((await api.get('/api/v1/changes?status=published')).json.items).toMatchObject([{ kind: 'import', revision: 1 }]);
  });

  it.each(Object.keys(SPRING_GIVES))('gives %s what Spring would give it', async (target) => {
    expect((await api.values(target)).application).toEqual(SPRING_GIVES[target]);
  });

  it('keeps a file of one document byte for byte, its byte order mark included', async () => {
    const { text } = await api.must('GET', `${layerPath('discovery-server@base')}/documents/application`);
    const bytes = await fetch(`${api.url}${layerPath('discovery-server@base')}/documents/application`, { headers: { authorization: `Bearer ${api.token}` } });
    expect(Buffer.from(await bytes.arrayBuffer())).toEqual(readFileSync(path.join(PETCLINIC, 'discovery-server.yml')));
    expect(text).toContain('# standalone mode');
  });

  it('takes the activation key out of a part and leaves the rest as it was written', async () => {
    const source = async (layer: string) => (await api.must('GET', `${layerPath(layer)}/documents/application`)).text;
    expect(await source('vets-service@default')).toBe(
      'eureka:\n  instance:\n    # enable to register multiple app instances with a random server port\n' +
        '    instance-id: ${spring.application.name}:${random.uuid}\n\n',
    );
    expect(await source('application@mysql')).toMatch(/^spring:\n {2}datasource:\n/);
    expect(await source('application@base')).toContain('# Waiting issue https://github.com/spring-projects/spring-boot/issues/13042\n');
  });

  it('says of every key which layer and line it comes from', async () => {
    const { json } = await api.must('GET', `${layerPath('vets-service@docker')}/effective`);
    const origins = json.documents.application.origins as { path: string }[];
    const origin = (at: string) => origins.find(({ path }) => path === at);
    expect(origin('/server/port')).toMatchObject({
      service: 'vets-service',
      environment: 'docker',
      version: 1,
      line: 2,
      overrides: [{ service: 'application', environment: 'base', version: 1 }],
    });
    expect(origin('/vets/cache/heap-size')).toMatchObject({ service: 'vets-service', environment: 'base', line: 4 });
    expect(origin('/management/security/enabled')).toMatchObject({ service: 'application', environment: 'base', line: lineOf('management.security.enabled') });
    expect(origin('/management/endpoints/web/exposure/include')).toMatchObject({ service: 'application', environment: 'base', line: lineOf('management.endpoints.web.exposure.include') });
    expect(origin('/management/tracing/export/zipkin/endpoint')).toMatchObject({ service: 'application', environment: 'docker', line: 5 });
  });

  it('does nothing when the same repository is imported again', async () => {
    const { json } = await api.must('POST', '/api/v1/imports', { files: petclinic() });
    expect(json).toMatchObject({ layers: [], impact: [], environments: expect.arrayContaining([{ name: 'docker', created: false }]) });
    expect(json.revision).toBeUndefined();
    expect((await api.get('/api/v1/revisions')).json.items).toHaveLength(1);
  });

  it('publishes only what has changed when a changed repository is imported', async () => {
    const files = petclinic({ 'vets-service.yml': (content) => content.replace('ttl: 60', 'ttl: 120') });
    const { json } = await api.must('POST', '/api/v1/imports', { files });
    expect(json).toMatchObject({ revision: 2, layers: [{ service: 'vets-service', environment: 'base', version: 2 }] });
    expect(json.impact).toHaveLength(5);
    expect(json.impact).toContainEqual({ service: 'vets-service', environment: 'docker', instances: 0, keys: 1 });
  });

  it('leaves the change open when it is asked to, for somebody to publish', async () => {
    const answer = await api.must('POST', '/api/v1/imports', { files: petclinic(), publish: false });
    const { change } = answer.json;
    expect(answer.headers.get('location')).toBe(`/api/v1/changes/${change}`);
    expect((await api.get(`/api/v1/changes/${change}`)).json).toMatchObject({ status: 'open', kind: 'import', edits: [{ service: 'vets-service', environment: 'base' }] });
    expect((await api.must('POST', `/api/v1/changes/${change}/publish`)).json.revision).toBe(3);
  });

  it('lists what the repository no longer has, and deletes it only when it is asked to', async () => {
    const files = petclinic({ 'tracing-server.yml': (content) => content.split('---')[0]! });
    const leftover = ['default', 'docker'].map((environment) => ({ service: 'tracing-server', environment }));
    const kept = await api.must('POST', '/api/v1/imports', { files });
    expect(kept.json.leftover).toHaveLength(2);
    expect(kept.json.leftover).toEqual(expect.arrayContaining(leftover));
    const pruned = await api.must('POST', '/api/v1/imports', { files, prune: true });
    expect(pruned.json.layers).toHaveLength(2);
    expect((await api.values('tracing-server@default')).application).toEqual({ ...COMMON, server: { port: 9411, shutdown: 'graceful' } });
  });

  it('answers a repeated request with the same Idempotency-Key as the first time', async () => {
    const body = { files: petclinic() };
    const first = await api.post('/api/v1/imports', body, { 'idempotency-key': 'once' });
    const second = await api.post('/api/v1/imports', body, { 'idempotency-key': 'once' });
    expect(second.json).toEqual(first.json);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
  });
});

describe('given a repository that cannot be imported', () => {
  let server: TestServer;
  let api: Api;

  beforeAll(async () => {
    server = await startServer();
    api = new Api(server.url, server.token);
  });
  afterAll(() => server.close());
  afterEach(async () => {
    expect((await api.get('/api/v1/services')).json.items).toEqual([]);
    expect((await api.get('/api/v1/revisions')).json.items).toEqual([]);
  });

  const refused = async (files: RepositoryFile[], options: object = {}) => {
    const { status, json } = await api.post('/api/v1/imports', { files, ...options });
    return { status, code: json.code, detail: json.detail, pointer: json.pointer, file: json.file, line: json.line };
  };

  it('names file and line of a profile expression that no environment stands for', async () => {
    const content = 'a: 1\n---\n# b\nspring.config.activate:\n  on-profile: "!docker"\nb: 2\n';
    expect(await refused([{ path: 'a.yml', content: 'ok: 1' }, { path: 'b.yml', content }])).toMatchObject({
      status: 422,
      code: 'import_invalid',
      pointer: '/files/1/content',
      file: 'b.yml',
      line: 5,
    });
  });

  it('names file, line and column of a syntax error, counted in the whole file', async () => {
    const answer = await refused([{ path: 'a.yml', content: 'a: 1\n---\nb: [1,\n' }]);
    expect(answer).toMatchObject({ status: 422, code: 'document_syntax', file: 'a.yml' });
    expect(answer.line).toBeGreaterThanOrEqual(3);
    expect(answer.detail).toMatch(/^a\.yml: Line /);
  });

  it('refuses file names that cannot name a service, profiles that cannot name an environment, and no configuration at all', async () => {
    expect(await refused([{ path: 'Orders_API.yml', content: 'a: 1' }])).toMatchObject({ code: 'import_invalid', file: 'Orders_API.yml' });
    expect(await refused([{ path: 'application-Prod_EU.yml', content: 'a: 1' }])).toMatchObject({ code: 'import_invalid', file: 'application-Prod_EU.yml' });
    expect(await refused([{ path: 'README.md', content: '# hi' }])).toMatchObject({ code: 'import_invalid', pointer: '/files' });
    expect(await refused([{ path: 'a.yml', content: 'a: 1' }], { environments: { prod: 'Prod!' } })).toMatchObject({ code: 'malformed_request', pointer: '/environments/prod' });
    expect(await refused([{ path: 'a.yml', content: 'a: 1' }], { parentEnvironment: 'nowhere' })).toMatchObject({ code: 'environment_not_found' });
  });

  it('creates no service when one document of many is too large', async () => {
    const files = [{ path: 'a.yml', content: 'a: 1' }, { path: 'b.yml', content: `b: ${'x'.repeat(1024 * 1024)}` }];
    expect(await refused(files)).toMatchObject({ code: 'document_too_large', file: 'b.yml' });
  });
});

describe('given services that exist already', () => {
  let server: TestServer;
  let api: Api;

  beforeAll(async () => {
    server = await startServer();
    api = new Api(server.url, server.token);
    await api.given({ production: 'base', eu: 'production' }, ['defaults', 'orders']);
    await api.include('orders@base', 'defaults');
  });
  afterAll(() => server.close());

  it('maps profiles to environments, adds the common service to the includes and leaves what it does not know alone', async () => {
    await api.putYaml('orders@base', 'text: kept\n', 'notes');
    const files = [
      { path: 'application.properties', content: 'pool.max=10\n#---\nspring.config.activate.on-profile=prod\npool.max=50\n' },
      { path: 'orders.json', content: '{ "pool.min": 1 }' },
      { path: 'orders-prod.toml', content: '[pool]\nmin = 5\n' },
      { path: 'orders-eu.yaml', content: 'region: eu\n' },
    ];
    const { json } = await api.must('POST', '/api/v1/imports', { files, commonService: 'shared', environments: { prod: 'production' }, parentEnvironment: 'production' });
    expect(json.environments).toEqual([{ name: 'production', created: false }, { name: 'eu', created: false }]);
    expect(await api.values('orders@eu')).toEqual({ application: { pool: { max: '50', min: 5 }, region: 'eu' }, notes: { text: 'kept' } });
    const { json: layer } = await api.get(layerPath('orders@base'));
    expect(layer.includes).toEqual([{ service: 'shared' }, { service: 'defaults' }]);
  });

  it('refuses as a whole what a schema of an existing service does not allow, and creates nothing', async () => {
    await api.must('PUT', `${layerPath('orders@base')}/schemas/application`, { properties: { pool: { properties: { max: { type: 'string' } } } } });
    const files = [{ path: 'application.yml', content: 'pool.max: 3' }, { path: 'brand-new.yml', content: 'a: 1' }];
    const answer = await api.post('/api/v1/imports', { files, commonService: 'shared' });
    expect(answer.json).toMatchObject({ status: 422, code: 'schema_violation' });
    expect((await api.get('/api/v1/services/brand-new')).status).toBe(404);
  });
});

describe('given two replicas', () => {
  let first: TestServer;
  let second: TestServer;

  beforeAll(async () => {
    first = await startServer();
    second = await startServer({}, first.database);
  });
  afterAll(async () => {
    await second.close();
    await first.close();
  });

  it('makes one revision of the same repository imported several times at once', async () => {
    const apis = [first, second, first, second].map(({ url }) => new Api(url, first.token));
    const answers = await Promise.all(apis.map((api) => api.post('/api/v1/imports', { files: petclinic() })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(answers.map(({ json }) => json.revision).filter((revision) => revision !== undefined)).toEqual([1]);
    for (const api of apis) expect((await api.values('vets-service@docker')).application).toEqual(SPRING_GIVES['vets-service@docker']);
  });
});

function lineOf(key: string): number {
  const lines = readFileSync(path.join(PETCLINIC, 'application.yml'), 'utf8').split('\n');
  return lines.findIndex((line) => line.startsWith(`${key}:`)) + 1;
}
