import { Global, Module } from '@nestjs/common';
import { CHANGE_LAYERS } from '../access/change-layers';
import { CatalogModule } from '../catalog/catalog.module';
import { ReleasesModule } from '../releases/releases.module';
import { ChangeEdits } from './change-edits';
import { ChangeEditsController } from './change-edits.controller';
import { ChangePublisher } from './change-publisher';
import { ChangesController } from './changes.controller';
import { ChangesService } from './changes.service';
import { DirectWrites } from './direct-writes';
import { EntryWriter } from './entry-writer';
import { ImpactAssessor } from './impact';
import { LayerWritesController } from './layer-writes.controller';
import { Promotions } from './promotions';
import { ProposedLayersBuilder } from './proposed-layers';
import { Publisher } from './publisher';
import { RollbackAndPromotionController } from './rollback-and-promotion.controller';
import { Rollback } from './rollback';
import { StoredChangeLayers } from './stored-change-layers';
import { WholeChange } from './whole-change';

/** Global, because access asks by a token which layers a change touches. */
@Global()
@Module({
  imports: [CatalogModule, ReleasesModule],
  controllers: [ChangeEditsController, ChangesController, LayerWritesController, RollbackAndPromotionController],
  providers: [
    ChangeEdits,
    ChangePublisher,
    ChangesService,
    DirectWrites,
    EntryWriter,
    ImpactAssessor,
    Promotions,
    ProposedLayersBuilder,
    Publisher,
    Rollback,
    WholeChange,
    { provide: CHANGE_LAYERS, useClass: StoredChangeLayers },
  ],
  exports: [CHANGE_LAYERS, ChangeEdits, ChangePublisher, ChangesService, Publisher],
})
export class ChangesModule {}
