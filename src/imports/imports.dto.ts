import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsOptional, Matches } from 'class-validator';
import type { JsonValue } from '@trimtab/client/protocol';
import { EmergencyField, ImpactTotalsView, MessageField } from '../changes/changes.dto';
import { ApprovalsView } from '../changes/review.dto';
import { AnyJson, Flag, LabelName, NestedList, Text } from '../http/shape';
import { LABEL_PATTERN } from '../kernel/names';
import { LayerNameView, LayerVersionView } from '../releases/layer-views';

export class ImportFile {
  @Text({ min: 1, max: 1000, description: 'Relative to the folder of the repository: `orders.yml`, `orders-docker.yml`.' })
  path!: string;

  @Text({ max: 4 * 1024 * 1024 })
  content!: string;
}

export class ImportBody {
  @NestedList(() => ImportFile, { max: 1000, description: 'Files of a Spring Cloud Config repository.' })
  files!: ImportFile[];

  @LabelName({ optional: true, description: 'The service made of `application.yml`, which all others include. Default: `application`.' })
  commonService?: string;

  @LabelName({ optional: true, description: 'Parent of environments that do not exist yet. Default: `base`.' })
  parentEnvironment?: string;

  @AnyJson({ optional: true, description: 'Environments by profile, where they are not named alike: `{ "prod": "production" }`.' })
  environments?: JsonValue;

  @ApiPropertyOptional({ type: [String], description: 'Services whose names would otherwise be read as `{service}-{profile}`.' })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(1000)
  @Matches(LABEL_PATTERN, { each: true })
  services?: string[];

  @MessageField()
  title?: string;

  @EmergencyField()
  emergency?: string;

  @Flag({ optional: true, description: 'Answer as if, and write nothing.' })
  dryRun?: boolean;

  @Flag({ optional: true, description: '`false` leaves the change open, to be looked at and published later. Default: `true`.' })
  publish?: boolean;

  @Flag({ optional: true, description: 'Also delete the documents listed in `leftover`. Default: `false`.' })
  prune?: boolean;
}

export class ImportedName {
  @ApiProperty()
  name!: string;

  @ApiProperty({ description: 'It did not exist before.' })
  created!: boolean;
}

export class ImportImpact extends LayerNameView {
  @ApiProperty({ description: 'Instances connected to this replica that would receive it.' })
  instances!: number;

  @ApiProperty({ description: 'How many keys of the effective config changed.' })
  keys!: number;
}

export class IgnoredFileView {
  @ApiProperty()
  path!: string;

  @ApiProperty()
  reason!: string;
}

export class ImportView {
  @ApiPropertyOptional({ description: 'The revision that was made. Absent on a dry run, for an open change, and when everything already was so.' })
  revision?: number;

  @ApiPropertyOptional({ description: 'The change that was left open.' })
  change?: number;

  @ApiProperty({ type: [ImportedName], description: 'The common service first.' })
  services!: readonly ImportedName[];

  @ApiProperty({ type: [ImportedName] })
  environments!: readonly ImportedName[];

  @ApiProperty({ type: [LayerVersionView], description: 'The layers that got (would get) a new version.' })
  layers!: readonly LayerVersionView[];

  @ApiProperty({ type: [ImportImpact], description: 'The effective configs that changed (would change): all, or the first of very many.' })
  impact!: readonly ImportImpact[];

  @ApiPropertyOptional({ description: 'Exact totals, when `impact` does not list every config. All of them were checked.' })
  truncated?: ImpactTotalsView;

  @ApiPropertyOptional({ type: ApprovalsView, description: 'What protected environments ask for because of it.' })
  approvals?: ApprovalsView;

  @ApiProperty({ type: [LayerNameView], description: 'Layers of these services whose `application` document the repository does not have.' })
  leftover!: readonly LayerNameView[];

  @ApiProperty({ type: [IgnoredFileView] })
  ignored!: readonly IgnoredFileView[];

  @ApiProperty({ type: [String], description: 'Where Spring would let another file win.' })
  warnings!: readonly string[];
}
