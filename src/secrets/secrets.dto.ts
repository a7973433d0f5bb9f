import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import type { JsonValue } from '@trimtab/client/protocol';
import { AnyJson, DocumentName, MayBeAbsent, WholeNumber } from '../http/shape';
import { LayerNameView } from '../releases/layer-views';

export class SealBody {
  @AnyJson({ description: 'Any JSON value.' })
  value!: JsonValue;
}

export class SealedView {
  @ApiProperty({ description: 'Stands in a document of this layer instead of the value.', example: 'trimtab:sealed:1:…' })
  sealed!: string;
}

export class RevealBody {
  @DocumentName({ optional: true, description: 'Default: every document.' })
  document?: string;

  @ApiPropertyOptional({ description: 'An RFC 6901 pointer, or `db.password`. Default: everything that is sealed.', example: 'db.password' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(4096)
  path?: string;

  @WholeNumber({ min: 0, optional: true, description: 'As it was right after this revision.' })
  asOf?: number;
}

export class RevealedValueView extends LayerNameView {
  @ApiProperty()
  document!: string;

  @ApiProperty({ description: 'RFC 6901 pointer.' })
  path!: string;

  @AnyJson({ optional: true, description: 'The value in clear text.' })
  value?: JsonValue;

  @ApiPropertyOptional({ enum: ['unknown_key', 'master_key_missing', 'unavailable', 'damaged', 'not_allowed'], description: 'Why there is no value.' })
  fault?: string;
}

export class RevealedView {
  @ApiProperty()
  revision!: number;

  @ApiProperty({ type: [RevealedValueView] })
  values!: readonly RevealedValueView[];
}

export class DataKeyView {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ example: 'orders' })
  service!: string;

  @ApiProperty({ description: 'Id of the master key it is wrapped with.' })
  masterKey!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  createdAt!: Date;

  @ApiProperty({ type: String, format: 'date-time', nullable: true, description: 'No new values are sealed with it since.' })
  retiredAt!: Date | null;

  @ApiProperty({ description: 'Whether this server can open it.' })
  readable!: boolean;
}

export class RewrapView {
  @ApiProperty({ description: 'The master key that data keys are wrapped with now.' })
  masterKey!: string;

  @ApiProperty()
  rewrapped!: number;

  @ApiProperty({ type: [String], description: 'Ids of data keys that this server cannot open; they stay as they are.' })
  unreadable!: readonly string[];
}
