import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The first schema. What is worth knowing before changing it:
 * - `revision.id` is not a sequence. It is assigned under the log's advisory lock, so that the order of ids is the order
 *   of commits and "everything after n" can be read without missing a row that commits late (docs/adr/0001).
 * - `document_content` is shared by all releases: a release is a manifest of hashes, an unchanged document costs a row.
 * - Content is `bytea`: a source is kept byte for byte, and `text` could not hold a NUL.
 * - `topic_counter` counts the changes of what is not in the log (catalog, access), so that a replica that missed a
 *   notification still sees that something moved.
 */
export class InitialSchema1700000000000 implements MigrationInterface {
  name = 'InitialSchema1700000000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE environment (
        id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name        text NOT NULL CONSTRAINT environment_name_key UNIQUE,
        parent_id   integer REFERENCES environment,
        description text NOT NULL DEFAULT '',
        created_at  timestamptz NOT NULL DEFAULT now()
      );
      CREATE UNIQUE INDEX environment_single_root ON environment ((parent_id IS NULL)) WHERE parent_id IS NULL;
      INSERT INTO environment (name, description) VALUES ('base', 'The root: every environment inherits from it.');

      CREATE TABLE service (
        id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name        text NOT NULL CONSTRAINT service_name_key UNIQUE,
        description text NOT NULL DEFAULT '',
        owner       text NOT NULL DEFAULT '',
        archived_at timestamptz,
        created_at  timestamptz NOT NULL DEFAULT now()
      );

      CREATE TABLE topic_counter (
        topic text PRIMARY KEY,
        value bigint NOT NULL
      );
      INSERT INTO topic_counter VALUES ('catalog', 0), ('access', 0);

      CREATE TABLE credential (
        id             uuid PRIMARY KEY,
        kind           text NOT NULL CHECK (kind IN ('token', 'client-key')),
        name           text NOT NULL,
        prefix         text NOT NULL,
        secret_hash    bytea NOT NULL CONSTRAINT credential_secret_hash_key UNIQUE,
        service_name   text,
        environment_id integer REFERENCES environment,
        created_at     timestamptz NOT NULL DEFAULT now(),
        expires_at     timestamptz,
        revoked_at     timestamptz,
        CHECK ((kind = 'client-key') = (service_name IS NOT NULL AND environment_id IS NOT NULL))
      );

      CREATE TABLE audit_record (
        id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at         timestamptz NOT NULL DEFAULT now(),
        actor      jsonb NOT NULL,
        action     text NOT NULL,
        subject    jsonb NOT NULL,
        request_id text,
        revision   bigint
      );

      CREATE TABLE idempotency_key (
        actor_id    text NOT NULL,
        key         text NOT NULL,
        claim_id    uuid NOT NULL DEFAULT gen_random_uuid(),
        fingerprint bytea NOT NULL,
        status      integer,
        headers     jsonb,
        body        jsonb,
        created_at  timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (actor_id, key)
      );
      CREATE INDEX idempotency_key_created_at ON idempotency_key (created_at);
    `);
    await queryRunner.query(`
      CREATE TABLE revision (
        id         bigint PRIMARY KEY,
        kind       text NOT NULL CHECK (kind IN ('publish', 'rollback', 'promotion', 'import')),
        message    text NOT NULL,
        actor      jsonb NOT NULL,
        claim_id   uuid CONSTRAINT revision_claim_key UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now()
      );

      CREATE TABLE layer (
        id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        service_id     integer NOT NULL REFERENCES service,
        environment_id integer NOT NULL REFERENCES environment,
        version        integer NOT NULL,
        revision       bigint NOT NULL,
        CONSTRAINT layer_name_key UNIQUE (service_id, environment_id)
      );

      CREATE INDEX layer_revision ON layer (revision);

      CREATE TABLE document_content (
        hash    bytea PRIMARY KEY,
        content bytea NOT NULL
      );

      CREATE TABLE release (
        layer_id         integer NOT NULL REFERENCES layer,
        version          integer NOT NULL CHECK (version > 0),
        revision         bigint NOT NULL REFERENCES revision,
        includes_changed boolean NOT NULL,
        PRIMARY KEY (layer_id, version)
      );
      CREATE UNIQUE INDEX release_revision_layer ON release (revision, layer_id);
      CREATE UNIQUE INDEX release_layer_revision ON release (layer_id, revision);

      CREATE TABLE release_document (
        layer_id integer NOT NULL,
        version  integer NOT NULL,
        kind     text NOT NULL CHECK (kind IN ('document', 'schema', 'includes')),
        name     text NOT NULL,
        format   text NOT NULL CHECK (format IN ('json', 'yaml', 'toml', 'properties', 'text')),
        keys     text NOT NULL CHECK (keys IN ('literal', 'dotted')),
        hash     bytea NOT NULL REFERENCES document_content,
        PRIMARY KEY (layer_id, version, kind, name),
        FOREIGN KEY (layer_id, version) REFERENCES release
      );

      CREATE TABLE change (
        id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        kind       text NOT NULL CHECK (kind IN ('publish', 'rollback', 'promotion', 'import')),
        title      text NOT NULL,
        status     text NOT NULL CHECK (status IN ('open', 'published', 'discarded')),
        author     jsonb NOT NULL,
        edition    integer NOT NULL DEFAULT 1,
        revision   bigint CONSTRAINT change_revision_key UNIQUE REFERENCES revision,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CHECK ((status = 'published') = (revision IS NOT NULL))
      );
      CREATE INDEX change_status ON change (status, id);

      CREATE TABLE change_edit (
        change_id      bigint NOT NULL REFERENCES change,
        service_id     integer NOT NULL REFERENCES service,
        environment_id integer NOT NULL REFERENCES environment,
        kind           text NOT NULL CHECK (kind IN ('document', 'schema', 'includes')),
        name           text NOT NULL,
        format         text CHECK (format IN ('json', 'yaml', 'toml', 'properties', 'text')),
        keys           text CHECK (keys IN ('literal', 'dotted')),
        hash           bytea REFERENCES document_content,
        base_version   integer NOT NULL,
        base_format    text,
        base_keys      text,
        base_hash      bytea REFERENCES document_content,
        PRIMARY KEY (change_id, service_id, environment_id, kind, name)
      );
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TABLE change_edit, change, release_document, release, document_content, layer, revision,
        idempotency_key, audit_record, credential, topic_counter, service, environment;
    `);
  }
}
