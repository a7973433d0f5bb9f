import { editDocument } from '../documents/edit-document';
import type { DocumentLimits, DocumentType } from '../documents/document-type';
import { isJsonObject } from '../documents/json-object';
import { parseDocument, type ParsedDocument } from '../documents/parse-document';
import { DomainError } from '../kernel/domain-error';
import { LABEL_PATTERN, layerKey, ROOT_ENVIRONMENT, type LayerName } from '../kernel/names';
import { activationsOf, withoutActivation, type Activation } from './activation';
import { splitFile, type FilePart } from './file-parts';
import { orderWarnings } from './order-warnings';
import { invalid, sortFiles, type ConfigFile, type IgnoredFile, type RepositoryFile } from './repository-files';

export interface ReadOptions {
  /** The service made of `application.yml`, which all others include. */
  readonly commonService: string;
  /** Environments by profile, where they are not named alike. */
  readonly environments: ReadonlyMap<string, string>;
  /** Services whose names would otherwise be read as `{service}-{profile}`. */
  readonly services: ReadonlySet<string>;
  readonly limits: DocumentLimits;
}

/** The document a layer gets from the repository. */
export interface ImportedDocument {
  readonly layer: LayerName;
  readonly type: DocumentType;
  readonly source: string;
}

/** A repository, understood. */
export interface Repository {
  /** The common service first. */
  readonly services: readonly string[];
  /** Without the root. */
  readonly environments: readonly string[];
  readonly documents: readonly ImportedDocument[];
  readonly ignored: readonly IgnoredFile[];
  readonly warnings: readonly string[];
}

/** A part of a file, for one environment, with its condition taken out. */
export interface PlacedPart {
  readonly file: ConfigFile;
  readonly layer: LayerName;
  readonly document: ParsedDocument;
}

/** What a Spring Cloud Config repository says, layer by layer. @throws DomainError that names file and line */
export function readRepository(files: readonly RepositoryFile[], options: ReadOptions): Repository {
  const { configs, ignored } = sortFiles(files, options.commonService, options.services);
  const parts = configs.flatMap((file) => splitFile(file).flatMap((part) => placesOf(file, part, options)));
  if (parts.length === 0) throw new DomainError('import_invalid', 'None of the files holds any configuration.', { pointer: '/files' });
  const byLayer = new Map<string, PlacedPart[]>();
  for (const part of parts) byLayer.set(layerKey(part.layer), [...(byLayer.get(layerKey(part.layer)) ?? []), part]);
  const services = new Set(configs.map(({ service }) => service).sort());
  const common = services.delete(options.commonService) ? [options.commonService] : [];
  return {
    services: [...common, ...services],
    environments: [...new Set(parts.map(({ layer }) => layer.environment))].filter((name) => name !== ROOT_ENVIRONMENT),
    documents: [...byLayer.values()].map((sameLayer) => join(sameLayer, options.limits)),
    ignored,
    warnings: orderWarnings(parts, options.commonService),
  };
}

/** A part goes to every environment whose profile activates it; without a condition to the root. */
function placesOf(file: ConfigFile, part: FilePart, options: ReadOptions): PlacedPart[] {
  const parsed = parsePart(file, part, options.limits);
  if (!isJsonObject(parsed.value)) throw invalid(file.path, file.index, 'a configuration file holds keys and values, not a list or a single value.', part.line);
  const conditions = activationsOf(parsed.value);
  const profiles = profilesOf(file, part, parsed, conditions);
  let document: ParsedDocument | undefined = parsed;
  for (const condition of conditions) {
    const source: string | undefined = document && withoutActivation(document, condition);
    document = source === undefined ? undefined : parseDocument(source, file.type, options.limits);
  }
  if (document === undefined) return [];
  const environments = profiles?.map((profile) => environmentOf(profile, file, options)) ?? [ROOT_ENVIRONMENT];
  return [...new Set(environments)].map((environment) => ({ file, layer: { service: file.service, environment }, document }));
}

function profilesOf(file: ConfigFile, part: FilePart, parsed: ParsedDocument, conditions: readonly Activation[]): readonly string[] | undefined {
  for (const { profiles, path, expression } of conditions) {
    // In `orders-docker.yml`, or beside another condition, a condition narrows: only the very same one says nothing new.
    const alone = conditions.length === 1 && (file.profile === undefined || (profiles?.length === 1 && profiles[0] === file.profile));
    if (profiles !== undefined && alone) continue;
    const where = `${path.join('.')}: ${expression}`;
    const line = part.line + (parsed.lineOf(path) ?? 1) - 1;
    throw invalid(file.path, file.index, `'${where}' is not the name of one profile or a list of them, so it stands for no environment. Split this part by environment.`, line);
  }
  if (file.profile !== undefined) return [file.profile];
  return conditions[0]?.profiles;
}

function environmentOf(profile: string, file: ConfigFile, { environments }: ReadOptions): string {
  const environment = environments.get(profile) ?? profile;
  if (LABEL_PATTERN.test(environment)) return environment;
  throw invalid(file.path, file.index, `the profile '${profile}' cannot name an environment. Say in "environments" which one it stands for.`);
}

function parsePart(file: ConfigFile, part: FilePart, limits: DocumentLimits): ParsedDocument {
  try {
    return parseDocument(part.source, file.type, limits);
  } catch (error) {
    throw inFile(error, file, part, limits);
  }
}

/** The same error again, with the lines counted as in the file. */
function inFile(error: unknown, file: ConfigFile, part: FilePart, limits: DocumentLimits): unknown {
  if (!(error instanceof DomainError)) return error;
  try {
    parseDocument('\n'.repeat(Math.max(0, part.line - 1)) + part.source.replace(/^\uFEFF/, ''), file.type, limits);
  } catch (again) {
    if (again instanceof DomainError) error = again;
  }
  const { code, message, extra } = error as DomainError;
  return new DomainError(code, `${file.path}: ${message}`, { pointer: `/files/${file.index}/content`, extra: { ...extra, file: file.path }, cause: error });
}

/** Several parts for one layer become one document: the first, with the later ones' keys set in it. */
function join(parts: readonly PlacedPart[], limits: DocumentLimits): ImportedDocument {
  const [{ layer, document: first }, ...rest] = parts as [PlacedPart, ...PlacedPart[]];
  const joined = rest.reduce((document, { document: { value } }) => {
    return parseDocument(editDocument(document, { kind: 'merge', path: [], value }, limits), document.type, limits);
  }, first);
  return { layer, type: joined.type, source: joined.source };
}
