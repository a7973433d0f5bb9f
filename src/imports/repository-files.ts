import type { DocumentType } from '../documents/document-type';
import { DomainError } from '../kernel/domain-error';
import { LABEL_PATTERN } from '../kernel/names';

/** A file as it was sent. */
export interface RepositoryFile {
  readonly path: string;
  readonly content: string;
}

/** A file whose name says what it configures. */
export interface ConfigFile extends RepositoryFile {
  /** Where it stands in the request, for errors. */
  readonly index: number;
  readonly service: string;
  /** Set by `{service}-{profile}.yml`. */
  readonly profile: string | undefined;
  readonly type: DocumentType;
}

export interface IgnoredFile {
  readonly path: string;
  readonly reason: string;
}

export interface SortedFiles {
  /** In Spring's order: what comes later overrides what comes before it, for the same service and profile. */
  readonly configs: readonly ConfigFile[];
  readonly ignored: readonly IgnoredFile[];
}

/** From the weakest to the strongest, where one service has files in several formats. */
const FORMAT_OF = { yml: 'yaml', yaml: 'yaml', json: 'json', toml: 'toml', properties: 'properties' } as const;
const RANK: readonly string[] = Object.keys(FORMAT_OF);

/**
 * Tells services and profiles from file names, as a Spring Cloud Config repository means them. `orders-docker.yml` can
 * be a service or a profile of `orders`: it is a profile when there is a service `orders`, unless `services` names it.
 */
export function sortFiles(files: readonly RepositoryFile[], commonService: string, services: ReadonlySet<string>): SortedFiles {
  const ignored: IgnoredFile[] = [];
  const named: { file: RepositoryFile; index: number; stem: string; extension: keyof typeof FORMAT_OF }[] = [];
  const seen = new Set<string>();
  for (const [index, file] of files.entries()) {
    if (seen.has(file.path)) throw invalid(file.path, index, 'the file is there twice.');
    seen.add(file.path);
    const name = /^(.+)\.([^.]+)$/.exec(file.path);
    const extension = name?.[2]?.toLowerCase() ?? '';
    if (/[\\/]/.test(file.path)) ignored.push({ path: file.path, reason: 'in a subfolder' });
    else if (!name || !Object.hasOwn(FORMAT_OF, extension)) ignored.push({ path: file.path, reason: 'not YAML, properties, JSON or TOML' });
    else named.push({ file, index, stem: name[1]!, extension: extension as keyof typeof FORMAT_OF });
  }
  const meanings = meaningsOf(new Set(named.map(({ stem }) => stem)), services);
  const configs = named.map(({ file, index, stem, extension }) => {
    const { service, profile } = meanings.get(stem)!;
    if (!LABEL_PATTERN.test(service)) throw invalid(file.path, index, `'${service}' cannot name a service: lower case letters, digits and hyphens can. Rename the file.`);
    const name = service === COMMON_FILE ? commonService : service;
    return { ...file, index, service: name, profile, type: { format: FORMAT_OF[extension], keys: 'dotted' as const }, rank: RANK.indexOf(extension) };
  });
  configs.sort((a, b) => Number(a.profile !== undefined) - Number(b.profile !== undefined) || a.rank - b.rank || (a.path < b.path ? -1 : 1));
  return { configs, ignored };
}

/** `application.yml` holds what all services share. */
const COMMON_FILE = 'application';

function meaningsOf(stems: ReadonlySet<string>, services: ReadonlySet<string>): Map<string, { service: string; profile: string | undefined }> {
  const known = new Set([COMMON_FILE, ...services]);
  const meanings = new Map<string, { service: string; profile: string | undefined }>();
  for (const stem of [...stems].sort((a, b) => a.length - b.length)) {
    const service = known.has(stem) ? stem : longestPrefix(stem, known);
    if (service === undefined) known.add(stem);
    const profile = service === undefined || service === stem ? undefined : stem.slice(service.length + 1);
    meanings.set(stem, { service: service ?? stem, profile });
  }
  return meanings;
}

function longestPrefix(stem: string, known: ReadonlySet<string>): string | undefined {
  for (let dash = stem.lastIndexOf('-', stem.length - 2); dash > 0; dash = stem.lastIndexOf('-', dash - 1)) {
    if (known.has(stem.slice(0, dash))) return stem.slice(0, dash);
  }
  return undefined;
}

/** Names the file, and the line where there is one. */
export function invalid(path: string, index: number, sentence: string, line?: number): DomainError {
  const place = line === undefined ? path : `${path}, line ${line}`;
  return new DomainError('import_invalid', `${place}: ${sentence}`, {
    pointer: `/files/${index}/content`,
    extra: { file: path, ...(line === undefined ? {} : { line }) },
  });
}
