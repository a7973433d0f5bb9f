import { ApiProperty } from '@nestjs/swagger';

export class LivenessView {
  @ApiProperty({ enum: ['live'] })
  status!: 'live';
}

export class ReadinessChecksView {
  @ApiProperty({ enum: ['up', 'down'] })
  database!: 'up' | 'down';

  @ApiProperty({ enum: ['up', 'down'], description: 'A session listens for news of the log.' })
  listener!: 'up' | 'down';

  @ApiProperty({ type: 'integer', nullable: true, description: 'Revisions published and not read here yet; null when the database cannot be asked.' })
  lag!: number | null;

  @ApiProperty()
  shuttingDown!: boolean;
}

export class ReadinessView {
  @ApiProperty({ enum: ['ready', 'not-ready'] })
  status!: 'ready' | 'not-ready';

  @ApiProperty()
  checks!: ReadinessChecksView;
}
