import { randomUUID } from 'node:crypto';
import { hashOf, newSecret, shownPrefixOf } from '../../src/access/secret';
import type { Role } from '../../src/access/roles';
import type { Api } from './api';
import type { TestDatabase } from './database';

/** Somebody with a personal token, made directly in the database. */
export interface TestPerson {
  readonly id: string;
  readonly name: string;
  /** Id of the token. */
  readonly token: string;
  /** The API as they use it. */
  readonly api: Api;
}

export interface TestGrant {
  readonly role: Role;
  readonly services?: string;
  readonly environment?: string;
  readonly reveal?: boolean;
}

export async function aPerson({ dataSource }: TestDatabase, api: Api, name: string, ...grants: readonly TestGrant[]): Promise<TestPerson> {
  const [id, token, secret] = [randomUUID(), randomUUID(), newSecret('token')];
  await dataSource.query('INSERT INTO person (id, login, name) VALUES ($1, $2, $3)', [id, `${name}-${id}`, name]);
  await dataSource.query(`INSERT INTO credential (id, kind, name, prefix, secret_hash, person_id) VALUES ($1, 'token', $2, $3, $4, $5)`, [
    token,
    `${name}'s token`,
    shownPrefixOf(secret),
    hashOf(secret),
    id,
  ]);
  for (const grant of grants) await grantTo({ dataSource }, 'person', id, grant);
  return { id, name, token, api: api.as(secret) };
}

/** A token that acts for nobody. */
export async function aServiceToken({ dataSource }: Pick<TestDatabase, 'dataSource'>, api: Api, grants: readonly TestGrant[], madeBy?: TestPerson): Promise<Api> {
  const [id, secret] = [randomUUID(), newSecret('token')];
  const createdBy = madeBy && JSON.stringify({ kind: 'token', id: madeBy.token, name: madeBy.name, person: { id: madeBy.id, name: madeBy.name } });
  await dataSource.query(`INSERT INTO credential (id, kind, name, prefix, secret_hash, created_by) VALUES ($1, 'token', 'A pipeline', $2, $3, $4)`, [
    id,
    shownPrefixOf(secret),
    hashOf(secret),
    createdBy ?? null,
  ]);
  for (const grant of grants) await grantTo({ dataSource }, 'token', id, grant);
  return api.as(secret);
}

/** Heard of by everybody who asks the database; by others when something is announced. */
export async function grantTo(
  { dataSource }: Pick<TestDatabase, 'dataSource'>,
  kind: 'person' | 'group' | 'token',
  subject: string,
  { role, services = '*', environment = 'base', reveal = false }: TestGrant,
): Promise<void> {
  await dataSource.query(
    `INSERT INTO access_grant (id, subject_kind, subject, role, services, environment_id, reveal, created_by)
     SELECT gen_random_uuid(), $1, $2, $3, $4, id, $6, '{"kind": "system", "id": "system", "name": "test"}' FROM environment WHERE name = $5`,
    [kind, subject, role, services, environment, reveal],
  );
}
