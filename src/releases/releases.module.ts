import { Global, Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module';
import { INCLUDE_GUARD } from '../catalog/include-guard';
import { NotifyModule } from '../notify/notify.module';
import { ContentStore } from './content-store';
import { EffectiveReader } from './effective-reader';
import { EnvironmentComparisonController } from './environment-comparison.controller';
import { HeadIndex } from './head-index';
import { History } from './history';
import { assertNotIncluded } from './include-check';
import { LayerReader } from './layer-reader';
import { LayersController } from './layers.controller';
import { ReleaseLog } from './release-log';
import { ReleaseReader } from './release-reader';
import { RevisionsController } from './revisions.controller';

/** Global, because the catalog asks for the include guard by a token and must not know this folder. */
@Global()
@Module({
  imports: [CatalogModule, NotifyModule],
  controllers: [EnvironmentComparisonController, LayersController, RevisionsController],
  providers: [{ provide: INCLUDE_GUARD, useValue: assertNotIncluded }, ContentStore, EffectiveReader, HeadIndex, History, LayerReader, ReleaseLog, ReleaseReader],
  exports: [INCLUDE_GUARD, ContentStore, EffectiveReader, HeadIndex, History, LayerReader, ReleaseLog, ReleaseReader],
})
export class ReleasesModule {}
