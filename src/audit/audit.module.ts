import { Module } from '@nestjs/common';
import { AuditAnchors } from './audit-anchors';
import { AuditExport } from './audit-export';
import { AuditLog } from './audit-log';
import { AuditVerifier } from './audit-verifier';
import { AuditController } from './audit.controller';

@Module({ controllers: [AuditController], providers: [AuditAnchors, AuditExport, AuditLog, AuditVerifier] })
export class AuditModule {}
