import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { FORMATS, KEY_STYLES, type Format, type KeyStyle } from '../documents/document-type';
import { PageQuery } from '../http/page';
import { DocumentParams, LayerNameParams } from '../http/params';
import { Flag, LabelName, NestedList, Text, WholeNumber } from '../http/shape';
import type { LastingActor } from '../kernel/actor';
import type { EntryKind } from '../releases/layer-entry';
import { EntryView, LayerNameView, LayerVersionView } from '../releases/layer-views';
import { REVISION_KINDS, type RevisionKind } from '../releases/revision.entity';
import { CHANGE_STATUSES, type ChangeStatus } from './change.entity';
import type { ConfigImpact } from './impact-listing';
import { ApprovalsView, ReviewStateView } from './review.dto';

const FormatField = (): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({ enum: FORMATS, description: 'Default: what Content-Type says, else the format the document has.' }),
    IsOptional(),
    IsIn(FORMATS),
  );

const KeysField = (): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({ enum: KEY_STYLES, description: 'Default: as the document has it, else `literal`. Properties are always `dotted`.' }),
    IsOptional(),
    IsIn(KEY_STYLES),
  );

const PatchPathField = (): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({ description: 'Where a merge patch applies: an RFC 6901 pointer, or `db.pool`.', example: 'db.pool' }),
    IsOptional(),
    IsString(),
    MaxLength(4096),
  );

const SealField = (): PropertyDecorator => Flag({ optional: true, description: 'Seal every value of the merge patch for this layer before it is stored. The body is then no part of what an Idempotency-Key is compared with.' });

/** Why something is done: it stays in the history. */
export const MessageField = (): PropertyDecorator => Text({ optional: true, min: 1, max: 1000, description: 'Why; it stays in the history.' });

/** Why approvals are done without: it stays in the history. */
export const EmergencyField = (): PropertyDecorator =>
  Text({ optional: true, min: 1, max: 1000, description: 'Publish without the approvals that protected environments ask for, for this reason. It needs the permission to override, and stays in the history.' });

export class PublishQuery {
  @MessageField()
  message?: string;

  @EmergencyField()
  emergency?: string;

  @Flag({ optional: true, description: 'Answer as if, and write nothing.' })
  dryRun?: boolean;
}

export class PutQuery extends PublishQuery {
  @FormatField()
  format?: Format;

  @KeysField()
  keys?: KeyStyle;
}

export class PatchQuery extends PublishQuery {
  @PatchPathField()
  path?: string;

  @SealField()
  seal?: boolean;
}

export class EditPutQuery {
  @FormatField()
  format?: Format;

  @KeysField()
  keys?: KeyStyle;
}

export class EditPatchQuery {
  @PatchPathField()
  path?: string;

  @SealField()
  seal?: boolean;
}

export class IncludeEntry {
  @LabelName()
  service!: string;

  @WholeNumber({ min: 1, optional: true, description: 'Read the included layers as of this revision.' })
  revision?: number;
}

export class IncludesBody {
  @NestedList(() => IncludeEntry, { max: 100, description: 'Weakest first.' })
  includes!: IncludeEntry[];
}

export class ImpactView extends LayerNameView {
  @ApiProperty({ description: 'Connected instances that would receive it.' })
  instances!: number;

  @ApiProperty({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    description: 'Per document the changes key by key: path (RFC 6901), op, before, after.',
  })
  documents!: ConfigImpact['documents'];
}

export class ImpactTotalsView {
  @ApiProperty()
  configs!: number;

  @ApiProperty({ description: 'Services these configs are of.' })
  services!: number;

  @ApiProperty({ description: 'Connected instances that would receive one of them.' })
  instances!: number;
}

export class PublishView {
  @ApiPropertyOptional({ description: 'The revision that was made. Absent on a dry run, and when everything already was so.' })
  revision?: number;

  @ApiPropertyOptional({ example: '/api/v1/revisions/7/convergence', description: 'Where to ask who has taken the revision and who refused it; with `?wait=30s` it answers when everybody has.' })
  convergence?: string;

  @ApiProperty({ type: [LayerVersionView], description: 'The layers that got (would get) a new version.' })
  layers!: readonly LayerVersionView[];

  @ApiProperty({ type: [ImpactView], description: 'The effective configs that changed (would change): all, or the first of very many.' })
  impact!: readonly ImpactView[];

  @ApiPropertyOptional({ description: 'Exact totals, when `impact` does not list every config. All of them were checked.' })
  truncated?: ImpactTotalsView;

  @ApiPropertyOptional({ type: ApprovalsView, description: 'What protected environments ask for because of it.' })
  approvals?: ApprovalsView;
}

/** An emergency, where the publish has a body. */
export class PublishBody {
  @EmergencyField()
  emergency?: string;
}

export class NewChange {
  @Text({ min: 1, max: 1000, description: 'Why; becomes the message of the revision.' })
  title!: string;
}

export class ChangeParams {
  @WholeNumber({ min: 1 })
  id!: number;
}

export class ChangeLayerParams extends LayerNameParams {
  @WholeNumber({ min: 1 })
  id!: number;
}

export class ChangeDocumentParams extends DocumentParams {
  @WholeNumber({ min: 1 })
  id!: number;
}

export class ChangesQuery extends PageQuery {
  @ApiPropertyOptional({ enum: CHANGE_STATUSES })
  @IsOptional()
  @IsIn(CHANGE_STATUSES)
  status?: ChangeStatus;
}

export class ChangeSummaryView {
  @ApiProperty()
  id!: number;

  @ApiProperty({ enum: REVISION_KINDS })
  kind!: RevisionKind;

  @ApiProperty()
  title!: string;

  @ApiProperty({ enum: CHANGE_STATUSES })
  status!: ChangeStatus;

  @ApiProperty({ type: 'object', additionalProperties: true })
  author!: LastingActor;

  @ApiProperty({ description: 'Counts the edits, the title among them. A review is of one edition.' })
  edition!: number;

  @ApiPropertyOptional({ nullable: true, type: Number, description: 'The revision it was published as.' })
  revision!: number | null;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt!: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  updatedAt!: Date;

  @ApiProperty({ description: 'For If-Match.' })
  etag!: string;
}

export class ProposedEntryView extends EntryView {
  @ApiProperty()
  source!: string;
}

export class ChangeEditView extends LayerNameView {
  @ApiProperty({ enum: ['document', 'schema', 'includes'] })
  kind!: EntryKind;

  @ApiProperty()
  name!: string;

  @ApiProperty({ description: "The layer's version the edit started from; 0 when it had none." })
  baseVersion!: number;

  @ApiProperty({ type: ProposedEntryView, nullable: true, description: 'What it would be; null: the edit deletes it.' })
  next!: ProposedEntryView | null;
}

export class ChangeView extends ChangeSummaryView {
  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true }, description: 'Everybody who has edited it after it was begun. Neither they nor the author can approve it.' })
  contributors!: readonly LastingActor[];

  @ApiProperty({ type: ReviewStateView })
  review!: ReviewStateView;

  @ApiProperty({ type: [ChangeEditView] })
  edits!: ChangeEditView[];
}
