import { Module } from '@nestjs/common';
import { NotifyModule } from '../notify/notify.module';
import { Catalog } from './catalog';
import { EnvironmentsController } from './environments.controller';
import { EnvironmentsService } from './environments.service';
import { ServicesController } from './services.controller';
import { ServicesService } from './services.service';

@Module({
  imports: [NotifyModule],
  controllers: [EnvironmentsController, ServicesController],
  providers: [Catalog, EnvironmentsService, ServicesService],
  exports: [Catalog],
})
export class CatalogModule {}
