import type { CopiedEnvironment, CopiedState } from '../copy/copied';
import type { Revision } from '../kernel/revision';
import type { CredentialEntry, DataKeyEntry, EnvironmentEntry } from '../nats/entries';
import type { Facts } from './bucket-reader';

/** What an edge knows besides snapshots, as the disk copy keeps it. */
export function copiedState(log: string, position: Revision, { environments, services, credentials, dataKeys }: Facts): CopiedState {
  const ids = new Map([...environments.keys()].map((name, index) => [name, index + 1]));
  return {
    log,
    position,
    environments: [...environments].map(([name, { parent }]): CopiedEnvironment => ({ id: ids.get(name)!, name, parentId: parent === null ? null : (ids.get(parent) ?? null) })),
    services: [...services].map((name, index) => ({ id: index + 1, name, archived: false })),
    credentials: [...credentials].map(([id, entry]) => ({ kind: 'client-key', id, ...entry })),
    dataKeys: [...dataKeys].map(([id, entry]) => ({ id, ...entry })),
  };
}

/** The other way round. Copies of anything but client keys have not come from an edge, and are left out. */
export function factsOf({ environments, services, credentials, dataKeys = [] }: CopiedState): Facts {
  const names = new Map(environments.map(({ id, name }) => [id, name]));
  return {
    environments: new Map(environments.map(({ name, parentId }): [string, EnvironmentEntry] => [name, { parent: parentId === null ? null : (names.get(parentId) ?? null) }])),
    services: new Set(services.map(({ name }) => name)),
    credentials: new Map(
      credentials
        .filter(({ kind }) => kind === 'client-key')
        .map(({ id, kind: _kind, service = '', environment = '', ...rest }): [string, CredentialEntry] => [id, { ...rest, service, environment }]),
    ),
    dataKeys: new Map(dataKeys.map(({ id, retired = false, ...entry }): [string, DataKeyEntry] => [id, { ...entry, retired }])),
  };
}
