import type { Environment } from './environment.entity';

/** The environments as they hang together. Immutable: a change makes a new tree. */
export class EnvironmentTree {
  readonly all: readonly Environment[];
  private readonly byName = new Map<string, Environment>();
  private readonly byId = new Map<number, Environment>();
  private readonly lineages = new Map<number, readonly Environment[]>();
  private readonly lineageNames = new Map<string, readonly string[]>();
  private readonly families = new Map<number, Environment[]>();

  constructor(environments: readonly Environment[]) {
    // A child is always younger than its parent, so parents come first by id.
    this.all = [...environments].sort((a, b) => a.id - b.id);
    for (const environment of this.all) {
      const lineage = [...((environment.parentId === null ? undefined : this.lineages.get(environment.parentId)) ?? []), environment];
      this.byName.set(environment.name, environment);
      this.byId.set(environment.id, environment);
      this.lineages.set(environment.id, lineage);
      this.lineageNames.set(environment.name, lineage.map(({ name }) => name));
      this.families.set(environment.id, []);
      for (const { id } of lineage) this.families.get(id)?.push(environment);
    }
  }

  named(name: string): Environment | undefined {
    return this.byName.get(name);
  }

  withId(id: number): Environment | undefined {
    return this.byId.get(id);
  }

  /** Root first, itself last. */
  lineage({ id }: Environment): readonly Environment[] {
    return this.lineages.get(id) ?? [];
  }

  /** The same by name, root first; empty when there is none of that name. */
  lineageOf(name: string): readonly string[] {
    return this.lineageNames.get(name) ?? [];
  }

  /** Itself first, parents before their children. */
  descendants({ id }: Environment): readonly Environment[] {
    return this.families.get(id) ?? [];
  }
}
