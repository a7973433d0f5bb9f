import { Module } from '@nestjs/common';
import { LogListener } from './log-listener';

@Module({ providers: [LogListener], exports: [LogListener] })
export class NotifyModule {}
