import { ApiExtraModels, ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { FORMATS, KEY_STYLES, type Format, type KeyStyle } from '../documents/document-type';
import { entityTag, type EntityTag } from '../http/preconditions';
import type { Actor } from '../kernel/actor';
import { keyOrigins, type ReadConfig } from './effective-reader';
import { EntryComparison } from './comparison';
import type { Include, LayerEntry } from './layer-entry';
import { REVISION_KINDS, type RevisionKind } from './revision.entity';

/** Names an entry's content and type, so that `If-Match` notices a change of either. */
export function entryTag({ hash, type }: LayerEntry): EntityTag {
  return entityTag(`${hash.slice(0, 40)}-${type.format}-${type.keys}`);
}

export class LayerNameView {
  @ApiProperty({ example: 'orders' })
  service!: string;

  @ApiProperty({ example: 'production' })
  environment!: string;
}

export class LayerVersionView extends LayerNameView {
  @ApiProperty()
  version!: number;
}

export class EntryView {
  @ApiProperty({ example: 'application' })
  name!: string;

  @ApiProperty({ enum: FORMATS })
  format!: Format;

  @ApiProperty({ enum: KEY_STYLES })
  keys!: KeyStyle;

  @ApiProperty({ description: 'For If-Match.' })
  etag!: string;
}

export class IncludeView {
  @ApiProperty()
  service!: string;

  @ApiPropertyOptional({ description: 'The included layers are read as of this revision.' })
  revision?: number;
}

export class IncludesView {
  @ApiProperty({ type: [IncludeView], nullable: true, description: 'Null when this layer declares none and inherits them.' })
  includes!: readonly Include[] | null;
}

export class LayerView extends LayerNameView {
  @ApiProperty({ description: 'Version of the head; 0 when nothing was ever published here.' })
  version!: number;

  @ApiProperty({ description: 'The revision that made the head; 0 when nothing was ever published here.' })
  revision!: number;

  @ApiProperty({ type: [EntryView] })
  documents!: EntryView[];

  @ApiProperty({ type: [EntryView], description: 'JSON Schemas attached to document names in this layer.' })
  schemas!: EntryView[];

  @ApiPropertyOptional({ type: [IncludeView], nullable: true, description: 'Null when this layer declares none and inherits them.' })
  includes!: readonly Include[] | null;
}

export class RevisionSummaryView {
  @ApiProperty()
  revision!: number;

  @ApiProperty({ enum: REVISION_KINDS })
  kind!: RevisionKind;

  @ApiProperty()
  message!: string;

  @ApiProperty({ type: 'object', additionalProperties: true })
  actor!: Actor;

  @ApiProperty({ type: String, nullable: true, description: 'Why it was published without the approvals it would have needed: an emergency; null: it was none.' })
  emergency!: string | null;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt!: Date;
}

export class ReleaseSummaryView extends RevisionSummaryView {
  @ApiProperty()
  version!: number;
}

export class RevisionView extends RevisionSummaryView {
  @ApiProperty({ type: [LayerVersionView] })
  layers!: readonly LayerVersionView[];
}

export class ComparisonView {
  @ApiProperty({ type: [EntryComparison], description: 'Only what differs.' })
  entries!: EntryComparison[];
}

export class EffectiveDocumentView {
  @ApiProperty({ enum: FORMATS })
  format!: Format;

  @ApiProperty({ description: 'The merged value; of a text document its text.', type: 'object', additionalProperties: true, nullable: true })
  value!: unknown;

  @ApiProperty({ description: 'As the single-document route of the data plane delivers it.' })
  source!: string;

  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true }, description: 'Where each leaf comes from and what it overrides.' })
  origins!: unknown[];
}

@ApiExtraModels(EffectiveDocumentView)
export class EffectiveView extends LayerNameView {
  @ApiProperty()
  revision!: number;

  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true }, description: 'Weakest first.' })
  layers!: unknown[];

  @ApiProperty({ type: 'object', additionalProperties: { $ref: '#/components/schemas/EffectiveDocumentView' } })
  documents!: Record<string, EffectiveDocumentView>;
}

export function effectiveView({ config, documents }: ReadConfig): EffectiveView {
  return {
    ...config.target,
    revision: config.revision,
    layers: config.releases.map(({ layer, version, revision }) => ({ ...layer, version, revision })),
    documents: Object.fromEntries(
      [...documents].map(([name, read]) => [
        name,
        { format: read.content.format, value: read.content.value, source: read.content.source(), origins: keyOrigins(read) },
      ]),
    ),
  };
}
