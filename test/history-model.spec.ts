import fc from 'fast-check';
import { Api, layerPath } from './support/api';
import { startServer, type TestServer } from './support/server';

/** The simplest thing that could be right: plain values per layer, every state remembered whole. */
class Model {
  private current = new Map<string, Record<string, unknown>>();
  private includes: readonly string[] = [];
  readonly states: { layers: Map<string, Record<string, unknown>>; includes: readonly string[] }[] = [];
  /** Per layer the states of its versions; index 0 is the empty layer. */
  readonly versions = new Map<string, (Record<string, unknown> | undefined)[]>();

  head(layer: string): Record<string, unknown> | undefined {
    return this.current.get(layer);
  }

  publish(changes: ReadonlyMap<string, Record<string, unknown> | undefined>): void {
    for (const [layer, value] of changes) {
      if (value === undefined) this.current.delete(layer);
      else this.current.set(layer, value);
      this.versions.set(layer, [...(this.versions.get(layer) ?? [undefined]), value]);
    }
    this.keep();
  }

  include(includes: readonly string[]): void {
    this.includes = includes;
    this.keep();
  }

  effective(service: string, lineage: readonly string[], state = this.states.at(-1)): unknown {
    const services = service === 'app' ? [...(state?.includes ?? []), 'app'] : [service];
    const layers = services.flatMap((name) => lineage.map((environment) => state?.layers.get(`${name}@${environment}`)));
    const found = layers.filter((value) => value !== undefined);
    if (found.length === 0) return undefined;
    return found.length === 1 ? found[0] : found.reduce((merged, value) => mergePatch(merged, value) as Record<string, unknown>, {});
  }

  private keep(): void {
    this.states.push({ layers: new Map(this.current), includes: this.includes });
  }
}

/** RFC 7396 section 2, word for word. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

const LINEAGES: Record<string, string[]> = {
  base: ['base'],
  staging: ['base', 'staging'],
  production: ['base', 'production'],
  eu: ['base', 'production', 'eu'],
};
const SERVICES = ['app', 'lib-one', 'lib-two'];

const value = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(fc.integer(), fc.constant(null), fc.dictionary(fc.constantFrom('x', 'y'), fc.integer())));
const layer = fc.tuple(fc.constantFrom(...SERVICES), fc.constantFrom(...Object.keys(LINEAGES))).map(([service, environment]) => `${service}@${environment}`);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('put' as const), layer, value }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('many' as const), layers: fc.uniqueArray(layer, { minLength: 2, maxLength: 4 }), value }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('patch' as const), layer, value }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), layer }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rollback' as const), layer, back: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('include' as const), includes: fc.subarray(['lib-one', 'lib-two']) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

let server: TestServer;
let api: Api;
let run = 0;

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.token);
  await api.given({ staging: 'base', production: 'base', eu: 'production' }, []);
});

afterAll(() => server.close());

it('random histories of publishes and rollbacks read the same as a plain model, now and as of every revision', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      run += 1;
      // Every run has services of its own; the model does not know the suffix.
      const named = (name: string): string => name.replace(/^(app|lib-one|lib-two)/, `$1-${run}`);
      await api.given({}, SERVICES.map(named));
      const model = new Model();
      const revisions: number[] = [];
      for (const next of steps) {
        const revision = await perform(next, model, named);
        if (revision !== undefined) revisions.push(revision);
      }
      expect(revisions).toHaveLength(model.states.length);
      for (const service of SERVICES) {
        for (const [environment, lineage] of Object.entries(LINEAGES)) {
          const target = `${named(service)}@${environment}`;
          expect((await api.values(target)).application).toEqual(model.effective(service, lineage));
          for (const [index, revision] of revisions.entries()) {
            expect((await api.values(target, `?asOf=${revision}`)).application).toEqual(model.effective(service, lineage, model.states[index]));
          }
        }
      }
    }),
    { numRuns: 8 },
  );
}, 120_000);

/** Does the step to both; the revision it made, if it made one. */
async function perform(next: Step, model: Model, named: (name: string) => string): Promise<number | undefined> {
  switch (next.do) {
    case 'put':
      return put(next.layer, next.value, model, named);
    case 'patch': {
      const patched = mergePatch(model.head(next.layer) ?? {}, next.value) as Record<string, unknown>;
      const answer = await api.patch(named(next.layer), next.value);
      expect(answer.status).toBe(200);
      return record(answer.json.revision, new Map([[next.layer, patched]]), model);
    }
    case 'delete': {
      const answer = await api.request('DELETE', `${layerPath(named(next.layer))}/documents/application`);
      if (model.head(next.layer) === undefined) {
        expect(answer.status).toBe(404);
        return undefined;
      }
      return record(answer.json.revision, new Map([[next.layer, undefined]]), model);
    }
    case 'many': {
      const { json: change } = await api.must('POST', '/api/v1/changes', { title: 'Many' });
      const changed = new Map<string, Record<string, unknown>>();
      for (const layerName of next.layers) {
        const path = `/api/v1/changes/${change.id}${layerPath(named(layerName)).replace('/api/v1', '')}/documents/application`;
        await api.must('PUT', path, JSON.stringify(next.value), { 'content-type': 'application/json' });
        if (JSON.stringify(model.head(layerName)) !== JSON.stringify(next.value)) changed.set(layerName, next.value);
      }
      const answer = await api.post(`/api/v1/changes/${change.id}/publish`);
      if (changed.size === 0) {
        expect(answer.json.code).toBe('nothing_to_publish');
        return undefined;
      }
      expect(answer.status).toBe(200);
      return record(answer.json.revision, changed, model);
    }
    case 'rollback': {
      const versions = model.versions.get(next.layer);
      if (!versions) return undefined;
      // The includes of app@base are part of its history; rolling it back would need a model of them too.
      if (next.layer === 'app@base') return undefined;
      const version = Math.max(0, versions.length - 1 - next.back);
      const answer = await api.post(`${layerPath(named(next.layer))}/rollback`, { version });
      if (answer.status !== 200) {
        expect(answer.json.code).toBe('nothing_to_publish');
        return undefined;
      }
      return record(answer.json.revision, new Map([[next.layer, versions[version]]]), model);
    }
    case 'include': {
      const answer = await api.include(`${named('app')}@base`, ...next.includes.map(named));
      expect(answer.status).toBe(200);
      if (answer.json.revision === undefined) return undefined;
      model.include(next.includes);
      return answer.json.revision as number;
    }
  }
}

async function put(layerName: string, next: Record<string, unknown>, model: Model, named: (name: string) => string): Promise<number | undefined> {
  const answer = await api.request('PUT', `${layerPath(named(layerName))}/documents/application`, JSON.stringify(next), { 'content-type': 'application/json' });
  expect(answer.status).toBe(200);
  return record(answer.json.revision, new Map([[layerName, next]]), model);
}

/** A write that changes nothing makes no revision, and the model then must not have changed either. */
function record(revision: number | undefined, changes: ReadonlyMap<string, Record<string, unknown> | undefined>, model: Model): number | undefined {
  if (revision === undefined) {
    for (const [layerName, next] of changes) expect(model.head(layerName)).toEqual(next);
    return undefined;
  }
  model.publish(changes);
  return revision;
}
