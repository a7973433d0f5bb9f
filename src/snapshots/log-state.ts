import { Injectable } from '@nestjs/common';
import { Authenticator } from '../access/authenticator';
import type { HashedCredential } from '../access/credential-store';
import { Catalog } from '../catalog/catalog';
import type { CopiedCredential, CopiedState } from '../copy/copied';
import { HeadIndex } from '../releases/head-index';
import { DataKeys } from '../secrets/data-keys';
import type { CopiedStateSource } from './copied-state-source';

/** Where the log stands, with the catalog and the credentials that belong to it. */
@Injectable()
export class LogState implements CopiedStateSource {
  constructor(
    private readonly heads: HeadIndex,
    private readonly catalog: Catalog,
    private readonly authenticator: Authenticator,
    private readonly keys: DataKeys,
  ) {}

  read(): CopiedState | undefined {
    const log = this.heads.following;
    const credentials = this.authenticator.usable();
    const dataKeys = this.keys.wrapped();
    if (log === undefined || credentials === undefined || dataKeys === undefined) return undefined;
    return {
      log: log.identity,
      position: log.position,
      ...(log.mark === undefined ? {} : { mark: log.mark }),
      environments: this.catalog.environments().map(({ id, name, parentId }) => ({ id, name, parentId })),
      services: this.catalog.services().map(({ id, name, archivedAt }) => ({ id, name, archived: archivedAt !== null })),
      credentials: credentials.flatMap(copiedCredential),
      dataKeys: dataKeys.map(({ wrapped, ...key }) => ({ ...key, wrapped: wrapped.toString('base64') })),
    };
  }

  onChange(listener: () => void): () => void {
    const stops = [this.authenticator.onChange(listener), this.keys.onChange(listener)];
    return () => stops.forEach((stop) => stop());
  }
}

/** Who has signed in has nothing to do at a process without the database. */
function copiedCredential({ kind, expiresAt, ...credential }: HashedCredential): CopiedCredential[] {
  if (kind === 'session') return [];
  return [{ kind, ...credential, ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }) }];
}
