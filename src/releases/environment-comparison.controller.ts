import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { requireAllowed } from '../access/decide';
import { diffText } from '../documents/diff-text';
import { diffValues, type KeyChange } from '../documents/diff-values';
import { Needs } from '../http/needs';
import { CurrentActor } from '../http/request-context';
import { LabelName, WholeNumber } from '../http/shape';
import type { Actor } from '../kernel/actor';
import { EffectiveReader } from './effective-reader';

class EnvironmentComparisonQuery {
  @LabelName()
  service!: string;

  @LabelName({ description: 'An environment.' })
  from!: string;

  @LabelName({ description: 'Another environment.' })
  to!: string;

  @WholeNumber({ min: 0, optional: true, description: 'Compare them as they were right after this revision.' })
  asOf?: number;
}

class EffectiveDifference {
  @ApiProperty()
  name!: string;

  @ApiProperty({ description: 'Unified difference of the effective documents.' })
  text!: string;

  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true } })
  changes!: readonly KeyChange[];
}

class EnvironmentComparisonView {
  @ApiProperty({ type: [EffectiveDifference], description: 'Only what differs.' })
  documents!: EffectiveDifference[];
}

@ApiTags('layers')
@Controller('api/v1/compare')
export class EnvironmentComparisonController {
  constructor(private readonly effective: EffectiveReader) {}

  @Get()
  @Needs('view', 'somewhere')
  @ApiOperation({ summary: 'How the effective config of a service differs between two environments' })
  @ApiOkResponse({ type: EnvironmentComparisonView })
  async compare(@CurrentActor() { authority }: Actor, @Query() { service, from, to, asOf }: EnvironmentComparisonQuery): Promise<EnvironmentComparisonView> {
    requireAllowed(authority, 'view', [from, to].map((environment) => ({ service, environment })));
    const before = await this.effective.read({ service, environment: from }, asOf);
    const after = await this.effective.read({ service, environment: to }, asOf);
    const names = [...new Set([...before.documents.keys(), ...after.documents.keys()])].sort();
    const documents: EffectiveDifference[] = [];
    for (const name of names) {
      const was = before.documents.get(name)?.content;
      const is = after.documents.get(name)?.content;
      const changes = diffValues(was?.value, is?.value);
      const text = diffText(was?.source() ?? '', is?.source() ?? '', { before: `${from}/${name}`, after: `${to}/${name}` });
      if (changes.length > 0 || was?.source() !== is?.source()) documents.push({ name, text, changes });
    }
    return { documents };
  }
}
