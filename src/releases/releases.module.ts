import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module';
import { NotifyModule } from '../notify/notify.module';
import { ContentStore } from './content-store';
import { EffectiveReader } from './effective-reader';
import { EnvironmentComparisonController } from './environment-comparison.controller';
import { HeadIndex } from './head-index';
import { History } from './history';
import { LayerReader } from './layer-reader';
import { LayersController } from './layers.controller';
import { ReleaseLog } from './release-log';
import { ReleaseReader } from './release-reader';
import { RevisionsController } from './revisions.controller';

@Module({
  imports: [CatalogModule, NotifyModule],
  controllers: [EnvironmentComparisonController, LayersController, RevisionsController],
  providers: [ContentStore, EffectiveReader, HeadIndex, History, LayerReader, ReleaseLog, ReleaseReader],
  exports: [ContentStore, EffectiveReader, HeadIndex, History, LayerReader, ReleaseLog, ReleaseReader],
})
export class ReleasesModule {}
