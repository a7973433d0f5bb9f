import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How people sign in. What is worth knowing before changing it:
 * - Who signs in through an identity provider only has no login, and is found by (issuer, subject): an e-mail address can be
 *   given to somebody else, a subject cannot.
 * - A person has at most one link at a time, so that a new one takes the place of one that was lost.
 * - `setup_link` has one row. Whoever starts last has the link that works; the first person who is granted administration
 *   closes it, and it stays closed whatever becomes of that person.
 * - `attempt` outlives restarts and is shared by all replicas; its moments are those of the database's clock.
 * - Nothing here can be used by who reads it: secrets are hashed (SHA-256 where they are random, argon2id where people made
 *   them up), logins that were tried as well.
 */
export class People1763900000002 implements MigrationInterface {
  name = 'People1763900000002';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE person ALTER COLUMN login DROP NOT NULL;

      CREATE TABLE person_password (
        person_id  uuid PRIMARY KEY REFERENCES person,
        hash       text NOT NULL,
        changed_at timestamptz NOT NULL DEFAULT now()
      );

      CREATE TABLE person_identity (
        issuer     text NOT NULL,
        subject    text NOT NULL,
        person_id  uuid NOT NULL REFERENCES person,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT person_identity_key PRIMARY KEY (issuer, subject)
      );
      CREATE INDEX person_identity_person_id ON person_identity (person_id);

      CREATE TABLE person_link (
        person_id   uuid PRIMARY KEY REFERENCES person,
        purpose     text NOT NULL CHECK (purpose IN ('invitation', 'reset')),
        secret_hash bytea NOT NULL CONSTRAINT person_link_secret_hash_key UNIQUE,
        created_at  timestamptz NOT NULL DEFAULT now(),
        expires_at  timestamptz NOT NULL
      );

      CREATE TABLE setup_link (
        singleton   boolean PRIMARY KEY DEFAULT true CHECK (singleton),
        secret_hash bytea,
        expires_at  timestamptz,
        closed_at   timestamptz
      );
      INSERT INTO setup_link DEFAULT VALUES;
      CREATE FUNCTION close_setup_link() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        UPDATE setup_link SET closed_at = now(), secret_hash = NULL, expires_at = NULL WHERE closed_at IS NULL;
        RETURN NULL;
      END $$;
      CREATE TRIGGER access_grant_closes_setup_link AFTER INSERT ON access_grant
        FOR EACH ROW WHEN (NEW.role = 'admin' AND NEW.subject_kind = 'person') EXECUTE FUNCTION close_setup_link();

      CREATE TABLE session (
        credential_id uuid PRIMARY KEY REFERENCES credential ON DELETE CASCADE,
        method        text NOT NULL CHECK (method IN ('password', 'oidc', 'link', 'setup')),
        ends_at       timestamptz NOT NULL,
        address       text NOT NULL,
        user_agent    text NOT NULL
      );
      CREATE INDEX credential_ended_session ON credential (expires_at) WHERE kind = 'session';

      CREATE TABLE known_device (
        secret_hash bytea NOT NULL,
        person_id   uuid NOT NULL REFERENCES person,
        expires_at  timestamptz NOT NULL,
        PRIMARY KEY (secret_hash, person_id)
      );
      CREATE INDEX known_device_person_id ON known_device (person_id);

      CREATE TABLE attempt (
        key       text PRIMARY KEY,
        failures  integer NOT NULL,
        next_at   timestamptz NOT NULL,
        forget_at timestamptz NOT NULL
      );
      CREATE INDEX attempt_forget_at ON attempt (forget_at);
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TRIGGER access_grant_closes_setup_link ON access_grant;
      DROP FUNCTION close_setup_link;
      DROP TABLE attempt, known_device, session, setup_link, person_link, person_identity, person_password;
      DROP INDEX credential_ended_session;
      UPDATE person SET login = 'person-' || id WHERE login IS NULL;
      ALTER TABLE person ALTER COLUMN login SET NOT NULL;
    `);
  }
}
