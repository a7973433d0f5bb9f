import { Catalog } from '../catalog/catalog';
import { environmentKey, serviceKey, type EnvironmentEntry } from '../nats/entries';
import type { BucketContents } from './bucket-contents';
import type { BucketWriter } from './bucket-writer';

/** Adds to the bucket the services and environments that it lacks. None is ever removed, and none gets another parent. */
export class CatalogSync {
  constructor(
    private readonly catalog: Catalog,
    private readonly contents: BucketContents,
    private readonly writer: BucketWriter,
  ) {}

  /** Names of the services that no edge knows yet. */
  newServices(): string[] {
    return this.catalog.services().map(({ name }) => name).filter((name) => this.contents.value(serviceKey(name)) === undefined);
  }

  async addServices(names: readonly string[]): Promise<void> {
    for (const name of names) await this.add(serviceKey(name), {});
  }

  /** Names of the environments that no edge knows yet. */
  newEnvironments(): string[] {
    return this.catalog.environments().map(({ name }) => name).filter((name) => this.contents.value(environmentKey(name)) === undefined);
  }

  /** Parents first, as they come. Only after everything that is inherited in them was written: an edge takes what it does not find for empty. */
  async addEnvironments(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const parent = this.catalog.lineage(name).at(-2)?.name ?? null;
      await this.add(environmentKey(name), { parent } satisfies EnvironmentEntry);
    }
  }

  private async add(key: string, entry: object): Promise<void> {
    if (this.contents.value(key) === undefined) await this.writer.put(key, entry);
  }
}
