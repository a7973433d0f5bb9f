import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module';
import { ChangesModule } from '../changes/changes.module';
import { ReleasesModule } from '../releases/releases.module';
import { ImportPlanner } from './import-planner';
import { ImportRehearsal } from './import-rehearsal';
import { Importer } from './importer';
import { ImportsController } from './imports.controller';

@Module({
  imports: [CatalogModule, ChangesModule, ReleasesModule],
  controllers: [ImportsController],
  providers: [ImportPlanner, ImportRehearsal, Importer],
})
export class ImportsModule {}
