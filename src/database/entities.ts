import { AccessGrant } from '../access/access-grant.entity';
import { StoredCredential } from '../access/credential.entity';
import { GroupMember } from '../access/group-member.entity';
import { Person } from '../access/person.entity';
import { AuditChainLink } from '../audit/audit-chain-link.entity';
import { AuditLookup } from '../audit/audit-lookup.entity';
import { AuditRecord } from '../audit/audit-record.entity';
import { Environment } from '../catalog/environment.entity';
import { Service } from '../catalog/service.entity';
import { ChangeEdit } from '../changes/change-edit.entity';
import { Change } from '../changes/change.entity';
import { InstanceRecord } from '../instances/instance.entity';
import { AttemptRecord } from '../people/attempt.entity';
import { KnownDevice } from '../people/known-device.entity';
import { PersonIdentity } from '../people/person-identity.entity';
import { PersonLink } from '../people/person-link.entity';
import { PersonPassword } from '../people/person-password.entity';
import { Session } from '../people/session.entity';
import { SetupLink } from '../people/setup-link.entity';
import { DocumentContent } from '../releases/document-content.entity';
import { LogIdentity } from '../releases/log-identity.entity';
import { Layer } from '../releases/layer.entity';
import { ReleaseDocument } from '../releases/release-document.entity';
import { Release } from '../releases/release.entity';
import { RevisionRecord } from '../releases/revision.entity';
import { ReplicaBook } from '../replicas/replica-book.entity';
import { ReplicaRecord } from '../replicas/replica.entity';
import { ChangeComment } from '../review/change-comment.entity';
import { ChangeReview } from '../review/change-review.entity';
import { ChangeSchedule } from '../review/change-schedule.entity';
import { StoredDataKey } from '../secrets/data-key.entity';

/** Every entity, by name: a glob would load different files from `src` and from `dist`. */
export const entities: (new () => object)[] = [
  AccessGrant,
  AttemptRecord,
  AuditChainLink,
  AuditLookup,
  AuditRecord,
  Change,
  ChangeComment,
  ChangeEdit,
  ChangeReview,
  ChangeSchedule,
  DocumentContent,
  Environment,
  GroupMember,
  InstanceRecord,
  KnownDevice,
  Layer,
  LogIdentity,
  Person,
  PersonIdentity,
  PersonLink,
  PersonPassword,
  Release,
  ReleaseDocument,
  ReplicaBook,
  ReplicaRecord,
  RevisionRecord,
  Service,
  Session,
  SetupLink,
  StoredCredential,
  StoredDataKey,
];
