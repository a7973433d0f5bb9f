import type { Environment } from './environment.entity';
import { EnvironmentTree } from './environment-tree';

const environment = (id: number, name: string, parentId: number | null): Environment => ({ id, name, parentId, description: '', requiredApprovals: null, createdAt: new Date(0) });

describe('given a tree of environments', () => {
  const eu = environment(4, 'production-eu', 3);
  const production = environment(3, 'production', 1);
  const staging = environment(2, 'staging', 1);
  const base = environment(1, 'base', null);
  const tree = new EnvironmentTree([eu, staging, production, base]);
  const names = (environments: readonly Environment[]) => environments.map(({ name }) => name);

  it('gives the lineage from the root to an environment', () => {
    expect(names(tree.lineage(eu))).toEqual(['base', 'production', 'production-eu']);
    expect(names(tree.lineage(base))).toEqual(['base']);
  });

  it('gives an environment and all below it, parents first', () => {
    expect(names(tree.descendants(base))).toEqual(['base', 'staging', 'production', 'production-eu']);
    expect(names(tree.descendants(staging))).toEqual(['staging']);
  });

  it('finds by name and by id, and has nothing under the names of Object.prototype', () => {
    expect(tree.named('staging')).toBe(staging);
    expect(tree.withId(4)).toBe(eu);
    expect(tree.named('constructor')).toBeUndefined();
  });
});
