import type { MigrationInterface } from 'typeorm';
import { InitialSchema1700000000000 } from '#migrations/1700000000000-initial-schema';
import { ReplicasAndInstances1763800000001 } from '#migrations/1763800000001-replicas-and-instances';
import { Recovery1763800000002 } from '#migrations/1763800000002-recovery';
import { Growth1763800000003 } from '#migrations/1763800000003-growth';
import { TraceContext1763800000004 } from '#migrations/1763800000004-trace-context';
import { ReplicaBook1763800000006 } from '#migrations/1763800000006-replica-book';
import { RolesAndGrants1763900000001 } from '#migrations/1763900000001-roles-and-grants';
import { People1763900000002 } from '#migrations/1763900000002-people';
import { Review1763900000003 } from '#migrations/1763900000003-review';
import { DataKeys1763900000004 } from '#migrations/1763900000004-data-keys';
import { AuditChain1763900000005 } from '#migrations/1763900000005-audit-chain';
import { SecondSecret1763900000007 } from '#migrations/1763900000007-second-secret';
import { SecretHolders1763900000008 } from '#migrations/1763900000008-secret-holders';

type Migration = new () => MigrationInterface;

/** Every migration, oldest first. A new file in `migrations/` does nothing until it is listed here; a spec compares the two. */
export const migrations: readonly Migration[] = [InitialSchema1700000000000, ReplicasAndInstances1763800000001, Recovery1763800000002, Growth1763800000003, TraceContext1763800000004, ReplicaBook1763800000006, RolesAndGrants1763900000001, People1763900000002, Review1763900000003, DataKeys1763900000004, AuditChain1763900000005, SecondSecret1763900000007, SecretHolders1763900000008];
