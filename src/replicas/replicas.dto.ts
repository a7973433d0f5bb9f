import { ApiProperty } from '@nestjs/swagger';
import { REPLICA_KINDS, type ReplicaKind } from './lease-book';

export class ReplicaView {
  @ApiProperty({ format: 'uuid', description: 'Of the process; another after every start.' })
  id!: string;

  @ApiProperty({ enum: REPLICA_KINDS })
  kind!: ReplicaKind;

  @ApiProperty()
  host!: string;

  @ApiProperty()
  pid!: number;

  @ApiProperty()
  version!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  startedAt!: Date;

  @ApiProperty({ description: 'The log revision it has read.' })
  position!: number;

  @ApiProperty({ type: Number, nullable: true, description: 'Revisions it had not read at that moment. Null when the log cannot be asked.' })
  lag!: number | null;

  @ApiProperty({ description: 'Clients that are connected to it.' })
  connections!: number;

  @ApiProperty({ enum: ['up', 'down'], description: 'Whether it hears of news of the log as they happen; if not it asks now and then.' })
  listener!: 'up' | 'down';

  @ApiProperty({ type: String, format: 'date-time', description: 'When it said so, by the clock of the database.' })
  renewedAt!: Date;
}

export class ReplicasView {
  @ApiProperty({ type: [ReplicaView], description: 'Every process whose lease runs, the longest running first.' })
  items!: ReplicaView[];

  @ApiProperty({ description: 'False when the database cannot be asked: then only the process that answers is listed.' })
  complete!: boolean;
}
