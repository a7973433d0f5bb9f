import { Global, Module } from '@nestjs/common';
import { LINEAGES, type Lineages } from '../access/credential-store';
import { NotifyModule } from '../notify/notify.module';
import { Catalog } from './catalog';
import { EnvironmentsController } from './environments.controller';
import { EnvironmentsService } from './environments.service';
import { ServicesController } from './services.controller';
import { ServicesService } from './services.service';

const lineages = {
  provide: LINEAGES,
  inject: [Catalog],
  useFactory: (catalog: Catalog): Lineages => ({
    of: (environment) => catalog.knownLineageNames(environment),
    read: (environment) => catalog.lineageNames(environment),
  }),
};

/** Global, because access asks for the lineage of an environment by a token and must not know this folder. */
@Global()
@Module({
  imports: [NotifyModule],
  controllers: [EnvironmentsController, ServicesController],
  providers: [Catalog, EnvironmentsService, ServicesService, lineages],
  exports: [Catalog, LINEAGES],
})
export class CatalogModule {}
