import fc from 'fast-check';
import type { JsonValue } from '@trimtab/client/protocol';
import { DEFAULT_DOCUMENT_LIMITS } from '../documents/document-type';
import { mergeAll } from '../documents/merge-documents';
import { parseDocument } from '../documents/parse-document';
import { serializeValue } from '../documents/serialize-document';
import { layerKey } from '../kernel/names';
import { readRepository, type ReadOptions, type Repository } from './read-repository';

const OPTIONS: ReadOptions = { commonService: 'application', environments: new Map(), services: new Set(), limits: DEFAULT_DOCUMENT_LIMITS };

function read(files: Record<string, string>, options: Partial<ReadOptions> = {}): Repository {
  return readRepository(Object.entries(files).map(([path, content]) => ({ path, content })), { ...OPTIONS, ...options });
}

function sources({ documents }: Repository): Record<string, string> {
  return Object.fromEntries(documents.map(({ layer, source }) => [layerKey(layer), source]));
}

function values({ documents }: Repository): Record<string, JsonValue> {
  return Object.fromEntries(documents.map(({ layer, source, type }) => [layerKey(layer), parseDocument(source, type).value]));
}

describe('given file names', () => {
  it('tells services from profiles by the services there are', () => {
    const { services, environments, documents } = read({ 'orders.yml': 'a: 1', 'orders-docker.yml': 'a: 2', 'vets-service.yml': 'a: 3', 'application-docker.yml': 'a: 4' });
    expect(services).toEqual(['application', 'orders', 'vets-service']);
    expect(environments).toEqual(['docker']);
    expect(documents.map(({ layer }) => layerKey(layer))).toEqual(['orders@base', 'vets-service@base', 'application@docker', 'orders@docker']);
  });

  it('takes the longest service there is, and a service that is named as one', () => {
    const files = { 'orders.yml': 'a: 1', 'orders-api.yml': 'a: 2', 'orders-api-eu.yml': 'a: 3' };
    expect(values(read(files))).toEqual({ 'orders@base': { a: 1 }, 'orders@api': { a: 2 }, 'orders@api-eu': { a: 3 } });
    expect(values(read(files, { services: new Set(['orders-api']) }))).toEqual({ 'orders@base': { a: 1 }, 'orders-api@base': { a: 2 }, 'orders-api@eu': { a: 3 } });
  });

  it('lists what it does not read', () => {
    const { ignored } = read({ 'a.yml': 'a: 1', 'README.md': '#', LICENSE: '', 'sub/b.yml': 'b: 1', '.yml': 'c: 1' });
    expect(ignored.map(({ path }) => path)).toEqual(['README.md', 'LICENSE', 'sub/b.yml', '.yml']);
  });

  it('lets properties win over the other formats, and a profile file over a part', () => {
    const files = {
      'a.properties': 'k=properties\n',
      'a.yml': 'k: yaml\n---\nspring.profiles: docker\nk: part\nonly: part\n',
      'a.json': '{"k": "json", "j": 1}',
      'a-docker.yaml': 'k: file\n',
    };
    expect(values(read(files))).toEqual({ 'a@base': { k: 'properties', j: 1 }, 'a@docker': { k: 'file', only: 'part' } });
  });
});

describe('given parts with conditions', () => {
  it('knows every way to name a profile', () => {
    const spellings = ['spring.config.activate.on-profile: docker', 'spring: {config: {activate: {onProfile: docker}}}', 'spring:\n  profiles: docker', 'spring.profiles: [docker]'];
    for (const spelling of spellings) expect(values(read({ 'a.yml': `${spelling}\nk: 1\n` }))).toEqual({ 'a@docker': { k: 1 } });
  });

  it('sends a part that several profiles activate to each of them', () => {
    const wanted = { 'a@dev': { k: 1 }, 'a@test': { k: 1 } };
    for (const names of ['[dev, test]', 'dev,test', 'dev | test', '"dev,test,dev"']) expect(values(read({ 'a.yml': `spring.config.activate.on-profile: ${names}\nk: 1\n` }))).toEqual(wanted);
  });

  it('leaves alone what only looks like a condition', () => {
    expect(values(read({ 'a.yml': 'spring:\n  profiles:\n    active: dev\n' }))).toEqual({ 'a@base': { spring: { profiles: { active: 'dev' } } } });
  });

  it.each(['"!docker"', 'a & b', '"(a | b)"', '""'])('refuses the expression %s', (expression) => {
    expect(() => read({ 'a.yml': `k: 1\n---\nspring:\n  config.activate.on-profile: ${expression}\nk: 2\n` })).toThrow(/^a\.yml, line 4: /);
  });

  it('refuses conditions that must hold together', () => {
    expect(() => read({ 'a.yml': 'spring.profiles: a\nspring.config.activate.on-profile: b\n' })).toThrow(/stands for no environment/);
    expect(() => read({ 'a.yml': 'spring.config.activate.on-cloud-platform: kubernetes\n' })).toThrow(/on-cloud-platform: kubernetes/);
    expect(() => read({ 'application-docker.yml': 'spring.config.activate.on-profile: other\nk: 1\n' })).toThrow(/line 1/);
    expect(values(read({ 'application-docker.yml': 'spring.config.activate.on-profile: docker\nk: 1\n' }))).toEqual({ 'application@docker': { k: 1 } });
  });

  it('keeps the comments around what it takes out', () => {
    const content = '# about the file\n---\n# about docker\nspring:\n  config:\n    activate:\n      on-profile: docker\n  main: x # stays\n# last\n---\n---\n# alone\n---\nb: 1\n';
    expect(sources(read({ 'a.yml': content }))).toEqual({
      'a@docker': '# about the file\n# about docker\nspring:\n  main: x # stays\n# last\n',
      'a@base': '# alone\nb: 1\n',
    });
  });

  it('ignores parts that hold nothing, or nothing but their condition', () => {
    expect(values(read({ 'a.yml': '---\n# nothing\n---\nspring.profiles: docker\n---\nk: 1\n---\n' }))).toEqual({ 'a@base': { k: 1 } });
  });

  it('splits properties files as Spring does', () => {
    const content = 'k=1\n#---\nspring.config.activate.on-profile=docker\n# why\nk=2\n!---\n# nothing\n';
    expect(sources(read({ 'a.properties': content }))).toEqual({ 'a@base': 'k=1\n', 'a@docker': '# why\nk=2\n' });
  });

  it('carries keys that are dangerous elsewhere as the data they are', () => {
    const { documents } = read({ 'a.yml': '__proto__.polluted: 1\n---\nspring.profiles: x\nconstructor: {prototype: 2}\n' });
    expect(documents.map(({ source }) => source)).toEqual(['__proto__.polluted: 1\n', 'constructor: {prototype: 2}\n']);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('says where Spring would let the common profile file win', () => {
    const { warnings } = read({ 'application-docker.yml': 'a: 1\nb: 1\nc: 1\n', 'orders.yml': 'a: 2\nb: 1\n', 'orders-docker.yml': 'c: 2\n' });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^a is set in application-docker\.yml and in orders\.yml: .* set it in orders@docker\.$/);
  });
});

describe('given any repository', () => {
  const key = fc.stringMatching(/^[a-z][a-z0-9]{0,4}$/).filter((name) => name !== 'spring');
  const leaf = fc.oneof(fc.integer(), fc.boolean(), fc.stringMatching(/^[a-z ]{1,8}$/), fc.array(fc.integer(), { maxLength: 3 }));
  const tree = fc.dictionary(key, fc.oneof(leaf, fc.dictionary(key, leaf, { minKeys: 1, maxKeys: 3 })), { minKeys: 1, maxKeys: 5, noNullPrototype: true }) as fc.Arbitrary<Record<string, JsonValue>>;
  const part = fc.record({ profile: fc.constantFrom(undefined, 'docker', 'mysql'), nested: fc.boolean(), value: tree });
  const repository = fc.dictionary(fc.constantFrom('application', 'orders', 'vets-service'), fc.array(part, { minLength: 1, maxLength: 5 }), { minKeys: 1 });

  function yamlOf({ profile, nested, value }: { profile?: string; nested: boolean; value: JsonValue }): string {
    const condition = profile === undefined ? '' : nested ? `spring:\n  config:\n    activate:\n      on-profile: ${profile}\n` : `spring.config.activate.on-profile: ${profile}\n`;
    return `# comment\n${condition}${serializeValue(value, 'yaml')}`;
  }

  it('gives every layer the merged values of its parts, in their order, and nothing of the conditions', () => {
    fc.assert(
      fc.property(repository, (services) => {
        const expected: Record<string, JsonValue[]> = {};
        for (const [service, parts] of Object.entries(services)) {
          for (const { profile, value } of parts) (expected[`${service}@${profile ?? 'base'}`] ??= []).push(value);
        }
        const files = Object.fromEntries(Object.entries(services).map(([name, parts]) => [`${name}.yml`, parts.map(yamlOf).join('---\n')]));
        expect(values(read(files))).toEqual(Object.fromEntries(Object.entries(expected).map(([layer, list]) => [layer, mergeAll(list)])));
      }),
      { numRuns: 50 },
    );
  });

  it('does not depend on the order in which the files are sent', () => {
    fc.assert(
      fc.property(repository, (services) => {
        const files = Object.entries(services).map(([name, parts]) => [`${name}.yml`, parts.map(yamlOf).join('---\n')] as const);
        expect(sources(read(Object.fromEntries([...files].reverse())))).toEqual(sources(read(Object.fromEntries(files))));
      }),
      { numRuns: 20 },
    );
  });
});

it('reads a file of blank lines at once', () => {
  const began = performance.now();
  expect(read({ 'orders.properties': `a=1\n#---\n${'\n'.repeat(300_000)}#` }).documents).toHaveLength(1);
  expect(performance.now() - began).toBeLessThan(5_000);
});
