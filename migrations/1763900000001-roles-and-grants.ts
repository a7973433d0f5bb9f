import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * People, groups, and what is granted to whom.
 * - A subject is named by kind and text (a person's or a token's id, a group's name): a group is no row of its own, it comes
 *   from whoever vouches for people, and may be granted something before its first member has signed in.
 * - A session is a credential like any other, so that revoking, expiring and ending open connections is one mechanism.
 * - Tokens could do everything so far. Each that is left is granted just that, so nothing changes for who holds one.
 */
export class RolesAndGrants1763900000001 implements MigrationInterface {
  name = 'RolesAndGrants1763900000001';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE person (
        id          uuid PRIMARY KEY,
        login       text NOT NULL CONSTRAINT person_login_key UNIQUE,
        name        text NOT NULL,
        created_at  timestamptz NOT NULL DEFAULT now(),
        disabled_at timestamptz
      );

      CREATE TABLE group_member (
        person_id  uuid NOT NULL REFERENCES person,
        group_name text NOT NULL,
        source     text NOT NULL CHECK (source IN ('local', 'oidc')),
        PRIMARY KEY (person_id, group_name, source)
      );
      CREATE INDEX group_member_group_name ON group_member (group_name);

      CREATE TABLE access_grant (
        id             uuid PRIMARY KEY,
        subject_kind   text NOT NULL CHECK (subject_kind IN ('person', 'group', 'token')),
        subject        text NOT NULL,
        role           text NOT NULL CHECK (role IN ('viewer', 'editor', 'publisher', 'approver', 'owner', 'admin')),
        services       text NOT NULL,
        environment_id integer NOT NULL REFERENCES environment,
        reveal         boolean NOT NULL DEFAULT false,
        created_at     timestamptz NOT NULL DEFAULT now(),
        created_by     jsonb NOT NULL,
        CONSTRAINT access_grant_key UNIQUE (subject_kind, subject, role, services, environment_id)
      );

      ALTER TABLE credential
        ADD COLUMN person_id uuid REFERENCES person,
        ADD COLUMN last_used_at timestamptz,
        ADD COLUMN created_by jsonb,
        DROP CONSTRAINT credential_kind_check,
        ADD CONSTRAINT credential_kind_check CHECK (kind IN ('token', 'client-key', 'session')),
        ADD CONSTRAINT credential_person_check CHECK (CASE kind WHEN 'session' THEN person_id IS NOT NULL WHEN 'client-key' THEN person_id IS NULL ELSE true END);
      CREATE INDEX credential_person_id ON credential (person_id) WHERE person_id IS NOT NULL;

      INSERT INTO access_grant (id, subject_kind, subject, role, services, environment_id, created_by)
      SELECT gen_random_uuid(), 'token', c.id::text, 'admin', '*', e.id, '{"kind": "system", "id": "system", "name": "trimtab"}'
        FROM credential c, environment e
       WHERE c.kind = 'token' AND e.parent_id IS NULL;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DELETE FROM credential WHERE kind = 'session';
      ALTER TABLE credential
        DROP COLUMN person_id,
        DROP COLUMN last_used_at,
        DROP COLUMN created_by,
        DROP CONSTRAINT credential_kind_check,
        ADD CONSTRAINT credential_kind_check CHECK (kind IN ('token', 'client-key'));
      DROP TABLE access_grant, group_member, person;
    `);
  }
}
