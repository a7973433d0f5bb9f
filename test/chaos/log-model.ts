import { etagOf, type JsonValue } from '@trimtab/client/protocol';
import type { Published } from '../support/feed-checker';
import { lineageOf, partsOf } from './catalog';
import type { LoggedRelease, LoggedRevision } from './history';

interface Head extends LoggedRelease {
  readonly revision: number;
}

interface ModelSnapshot {
  readonly revision: number;
  readonly etag: string;
  readonly value: Readonly<Record<string, number>>;
}

/**
 * What every target is at every revision, worked out from the log alone and without a line of the server's: every
 * layer writes keys of its own, so merging is putting together.
 */
export class LogModel {
  /** Of each layer its releases, oldest first. */
  private readonly releases = new Map<string, Head[]>();
  private readonly revisions: readonly number[];
  /** By target and revision, which together say what it is. */
  private readonly snapshots = new Map<string, ModelSnapshot>();

  constructor(log: readonly LoggedRevision[]) {
    const ordered = [...log].sort((one, other) => one.revision - other.revision);
    this.revisions = ordered.map(({ revision }) => revision);
    for (const { revision, releases } of ordered) {
      for (const release of releases) {
        const known = this.releases.get(release.layer) ?? [];
        this.releases.set(release.layer, known);
        known.push({ ...release, revision });
      }
    }
  }

  get head(): number {
    return this.revisions.at(-1) ?? 0;
  }

  /** The revisions that changed the target, oldest first, with the ETag it had from there on. */
  published(target: string): Published[] {
    const published: Published[] = [];
    for (const revision of this.revisions) {
      const snapshot = this.snapshot(target, revision);
      const last = published.at(-1);
      if (last === undefined || snapshot.revision !== last.revision) published.push({ revision: snapshot.revision, etag: snapshot.etag });
    }
    return published;
  }

  snapshot(target: string, asOf: number): ModelSnapshot {
    const { service, environment } = partsOf(target);
    const found: Head[] = [];
    this.collect(service, lineageOf(environment), asOf, found);
    const revision = Math.max(0, ...found.map((head) => head.revision));
    const key = `${target} ${revision}`;
    const known = this.snapshots.get(key) ?? merged(revision, found);
    this.snapshots.set(key, known);
    return known;
  }

  /** What the layer held in a version; undefined also when there is no such version. */
  content(layer: string, version: number): LoggedRelease | undefined {
    return this.releases.get(layer)?.find((release) => release.version === version);
  }

  release(layer: string, revision: number): LoggedRelease | undefined {
    return this.releases.get(layer)?.find((release) => release.revision === revision);
  }

  layers(): ReadonlyMap<string, readonly (LoggedRelease & { readonly revision: number })[]> {
    return this.releases;
  }

  private collect(service: string, lineage: readonly string[], asOf: number, found: Head[]): void {
    const heads = lineage.map((environment) => this.releases.get(`${service}@${environment}`)?.findLast(({ revision }) => revision <= asOf));
    const declared = heads.findLast((head) => head?.includes !== undefined)?.includes ?? [];
    for (const include of declared) this.collect(include.service, lineage, include.revision ?? asOf, found);
    found.push(...heads.filter((head) => head !== undefined));
  }
}

function merged(revision: number, heads: readonly Head[]): ModelSnapshot {
  const contents = heads.flatMap(({ content }) => (content === undefined ? [] : [content]));
  const value = Object.assign({}, ...contents) as Record<string, number>;
  const documents: Record<string, JsonValue> = contents.length === 0 ? {} : { application: { format: 'json', value } };
  return { revision, etag: etagOf(documents), value };
}
