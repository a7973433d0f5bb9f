import { Inject, Injectable } from '@nestjs/common';
import { Catalog } from '../catalog/catalog';
import type { DocumentType, Format, KeyStyle } from '../documents/document-type';
import { editDocument, type DocumentPatch } from '../documents/edit-document';
import { formatOfMediaType, MEDIA_TYPES } from '../documents/media-type';
import { decodeSource, parseDocument } from '../documents/parse-document';
import { parsePath } from '../documents/pointer';
import { readJsonPatch } from '../documents/read-json-patch';
import { serializeValue } from '../documents/serialize-document';
import type { Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import { layerKey, type LayerName } from '../kernel/names';
import { resolveEffective } from '../releases/effective-config';
import { JSON_SOURCE } from '../releases/layer-entry';
import { ReleaseReader } from '../releases/release-reader';
import { Sealer } from '../secrets/sealer';
import { SETTINGS, type Settings } from '../settings/settings';
import type { EntryEdit } from './entry-edit';

/** What somebody asks to be done to one document or schema, as it came over the wire. */
export type EntryWrite =
  | {
      readonly op: 'put';
      readonly source: Buffer;
      readonly contentType: string | undefined;
      readonly format?: Format;
      readonly keys?: KeyStyle;
    }
  | { readonly op: 'patch'; readonly body: Buffer; readonly contentType: string | undefined; readonly path?: string; /** Who asks for every value to be sealed. */ readonly seal?: Actor | undefined }
  | { readonly op: 'delete' };

/** A source with its type, before or after a write. */
export type EntrySource = NonNullable<EntryEdit['next']>;

const MERGE_PATCH = 'application/merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';

/** Turns a write into the source it results in, given the source that is there. */
@Injectable()
export class EntryWriter {
  constructor(
    private readonly catalog: Catalog,
    private readonly reader: ReleaseReader,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly sealer: Sealer,
  ) {}

  /** @returns the new source; `null` for a deletion */
  async apply(
    place: Pick<EntryEdit, 'layer' | 'kind' | 'name'>,
    current: EntrySource | null,
    write: EntryWrite,
  ): Promise<EntrySource | null> {
    switch (write.op) {
      case 'put':
        return this.put(place, current, write);
      case 'patch':
        return this.patch(place, current, write);
      case 'delete':
        if (!current) throw notFound(place);
        return null;
    }
  }

  private put(
    { kind }: Pick<EntryEdit, 'kind'>,
    current: EntrySource | null,
    write: Extract<EntryWrite, { op: 'put' }>,
  ): EntrySource {
    const source = decodeSource(write.source, this.settings.documents);
    if (kind === 'schema') return { type: JSON_SOURCE, source };
    const format = write.format ?? formatOfMediaType(write.contentType) ?? current?.type.format;
    if (format === undefined) {
      throw new DomainError(
        'unsupported_media_type',
        `The Content-Type ${write.contentType ?? '(none)'} does not say which format the document has. Send one of ` +
          `${Object.values(MEDIA_TYPES).join(', ')}, or add ?format=json, yaml, toml, properties or text.`,
        { extra: { supported: Object.values(MEDIA_TYPES) } },
      );
    }
    return { type: typeOf(format, write.keys ?? current?.type.keys), source };
  }

  private async patch(
    place: Pick<EntryEdit, 'layer' | 'kind' | 'name'>,
    current: EntrySource | null,
    write: Extract<EntryWrite, { op: 'patch' }>,
  ): Promise<EntrySource> {
    const patch = write.seal === undefined ? this.readPatch(write) : await this.sealedPatch(place.layer, write, write.seal);
    const limits = this.settings.documents;
    if (current) {
      const document = parseDocument(current.source, current.type, limits);
      return { type: current.type, source: editDocument(document, patch, limits) };
    }
    if (patch.kind === 'json-patch' || place.kind === 'schema') throw notFound(place);
    // RFC 7396: patching what is not there starts from an empty object. The layer overrides a key of what it inherits.
    const type = await this.inheritedType(place.layer, place.name);
    if (type.format === 'text') throw new DomainError('patch_failed', `${place.name} is a text document: it can only be replaced whole, with PUT.`);
    const empty = parseDocument(serializeValue({}, type.format), type, limits);
    return { type, source: editDocument(empty, patch, limits) };
  }

  private readPatch({ body, contentType, path }: Extract<EntryWrite, { op: 'patch' }>): DocumentPatch {
    const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase();
    if (mediaType !== MERGE_PATCH && mediaType !== JSON_PATCH) {
      throw new DomainError('unsupported_media_type', `An edit by key is sent as ${MERGE_PATCH} (RFC 7396) or ${JSON_PATCH} (RFC 6902).`, {
        extra: { supported: [MERGE_PATCH, JSON_PATCH] },
      });
    }
    const limits = this.settings.documents;
    const { value } = parseDocument(decodeSource(body, limits), JSON_SOURCE, limits);
    if (mediaType === MERGE_PATCH) return { kind: 'merge', path: path === undefined ? [] : parsePath(path), value };
    if (path !== undefined) throw new DomainError('malformed_request', 'A JSON Patch names its paths itself: leave out ?path.', { pointer: '/path' });
    return { kind: 'json-patch', operations: readJsonPatch(value) };
  }

  /** What the caller sends in clear text is sealed before anything else is done with it, and never quoted. */
  private async sealedPatch(layer: LayerName, write: Extract<EntryWrite, { op: 'patch' }>, actor: Actor): Promise<DocumentPatch> {
    let patch: DocumentPatch;
    try {
      patch = this.readPatch(write);
    } catch (error) {
      if (!(error instanceof DomainError) || error.code === 'unsupported_media_type') throw error;
      throw new DomainError(error.code, 'The patch cannot be read. It holds secrets, so nothing of it is shown here.');
    }
    if (patch.kind === 'merge') return { ...patch, value: await this.sealer.sealPatch(layer, patch.value, actor) };
    throw new DomainError('malformed_request', `Only the values of a merge patch (${MERGE_PATCH}) can be sealed on their way in.`, { pointer: '/seal' });
  }

  private async inheritedType(layer: LayerName, name: string): Promise<DocumentType> {
    await Promise.all([this.catalog.service(layer.service), this.catalog.environment(layer.environment)]);
    const lineage = this.catalog.lineage(layer.environment).map((environment) => environment.name);
    const config = await resolveEffective(layer, lineage, this.reader);
    return config.documents.get(name)?.parts.at(-1)?.entry.type ?? JSON_SOURCE;
  }
}

function typeOf(format: Format, keys: KeyStyle | undefined): DocumentType {
  if (format === 'properties') return { format, keys: 'dotted' };
  return { format, keys: format === 'text' ? 'literal' : (keys ?? 'literal') };
}

function notFound({ layer, kind, name }: Pick<EntryEdit, 'layer' | 'kind' | 'name'>): DomainError {
  const code = kind === 'schema' ? 'schema_not_found' : 'document_not_found';
  return new DomainError(code, `${layerKey(layer)} itself has no ${kind} ${name}; what it inherits is changed where it is written.`);
}
