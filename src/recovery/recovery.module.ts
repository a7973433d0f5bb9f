import { Module } from '@nestjs/common';
import { ReleasesModule } from '../releases/releases.module';
import { Recovery } from './recovery';
import { RecoveryController } from './recovery.controller';

@Module({ imports: [ReleasesModule], controllers: [RecoveryController], providers: [Recovery] })
export class RecoveryModule {}
