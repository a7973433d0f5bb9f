import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The audit becomes a chain (docs/adr/0020). Every committed record has a link in `audit_chain`: the next position, and
 * a SHA-256 over the record and the hash before it. Positions are given at commit, under a lock of their own that is
 * taken after every other, so they are in the order of commits and without holes.
 *
 * All of it is done by Postgres itself: a process of the version before, which knows nothing of this, goes on inserting
 * records during an upgrade, and they are linked as well. `audit_lookup` holds what records are looked for by; `at` is
 * in it so that an index gives them in the order of the list.
 *
 * Rows are refused to be changed or removed, which stops mistakes. Whoever owns the database can take the triggers away;
 * the chain is what shows it afterwards.
 */
export class AuditChain1763900000005 implements MigrationInterface {
  name = 'AuditChain1763900000005';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE audit_record
        ALTER COLUMN at TYPE timestamptz(3),
        ALTER COLUMN at SET DEFAULT clock_timestamp(),
        ADD COLUMN changed jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN address text;
      DROP INDEX audit_record_action, audit_record_actor_id, audit_record_actor_name;
      CREATE INDEX audit_record_at ON audit_record (at, id);
      CREATE INDEX audit_record_action ON audit_record (action, at, id);
      CREATE INDEX audit_record_request ON audit_record (request_id, at, id) WHERE request_id IS NOT NULL;
      CREATE INDEX audit_record_address ON audit_record (address, at, id) WHERE address IS NOT NULL;
      CREATE INDEX audit_record_revision ON audit_record (revision) WHERE revision IS NOT NULL;

      CREATE TABLE audit_lookup (
        key       text NOT NULL,
        at        timestamptz(3) NOT NULL,
        record_id bigint NOT NULL,
        PRIMARY KEY (key, at, record_id)
      );

      CREATE TABLE audit_chain (
        position  bigint PRIMARY KEY CHECK (position > 0),
        record_id bigint NOT NULL CONSTRAINT audit_chain_record_key UNIQUE,
        hash      bytea NOT NULL
      );
    `);
    await queryRunner.query(FUNCTIONS);
    await queryRunner.query(`
      INSERT INTO audit_lookup (key, at, record_id)
      SELECT key, r.at, r.id FROM audit_record r, audit_keys(r.actor, r.subject, r.changed) key;
      DO $$
        DECLARE record audit_record;
        BEGIN
          FOR record IN SELECT * FROM audit_record ORDER BY id LOOP
            PERFORM audit_link(record);
          END LOOP;
        END
      $$;

      CREATE TRIGGER audit_record_lookup AFTER INSERT ON audit_record
        REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION audit_index();
      CREATE CONSTRAINT TRIGGER audit_record_link AFTER INSERT ON audit_record
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_append();
    `);
    for (const table of ['audit_record', 'audit_chain', 'audit_lookup']) {
      await queryRunner.query(`
        CREATE TRIGGER ${table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON ${table}
          FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
        ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${table}_kept;
      `);
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TRIGGER audit_record_kept ON audit_record;
      DROP TRIGGER audit_record_link ON audit_record;
      DROP TRIGGER audit_record_lookup ON audit_record;
      DROP TABLE audit_chain, audit_lookup;
      DROP FUNCTION audit_refuse, audit_append, audit_index, audit_link, audit_hash, audit_keys;
      DROP INDEX audit_record_at, audit_record_action, audit_record_request, audit_record_address, audit_record_revision;
      ALTER TABLE audit_record
        DROP COLUMN changed,
        DROP COLUMN address,
        ALTER COLUMN at SET DEFAULT now(),
        ALTER COLUMN at TYPE timestamptz;
      CREATE INDEX audit_record_action ON audit_record (action, id);
      CREATE INDEX audit_record_actor_id ON audit_record ((actor->>'id'), id);
      CREATE INDEX audit_record_actor_name ON audit_record ((actor->>'name'), id);
    `);
  }
}

/**
 * The text that is hashed is that of the exported line without its `hash`, as Postgres writes jsonb; src/audit/audit-line.ts
 * writes the same. Services are looked up by their name, environments by `@` and theirs, layers by both; who did it by
 * `=` and the id or the name of the credential or the person.
 */
const FUNCTIONS = `
  CREATE FUNCTION audit_hash(record audit_record, place bigint, previous bytea) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(jsonb_build_object(
      'position', place,
      'previous', encode(previous, 'hex'),
      'at', to_char(record.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'actor', record.actor,
      'action', record.action,
      'subject', record.subject,
      'changed', record.changed,
      'requestId', record.request_id,
      'address', record.address,
      'revision', record.revision
    )::text, 'UTF8'))
  $$;

  CREATE FUNCTION audit_link(record audit_record) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
      last audit_chain;
    BEGIN
      SELECT * INTO last FROM audit_chain ORDER BY position DESC LIMIT 1;
      last.position := coalesce(last.position, 0) + 1;
      last.hash := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
      INSERT INTO audit_chain (position, record_id, hash) VALUES (last.position, record.id, audit_hash(record, last.position, last.hash));
    END
  $$;

  CREATE FUNCTION audit_append() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_advisory_xact_lock(8848, 6);
      PERFORM audit_link(NEW);
      RETURN NULL;
    END
  $$;

  CREATE FUNCTION audit_keys(actor jsonb, subject jsonb, changed jsonb) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
    WITH touched AS (
      SELECT t->>'service' AS service, t->>'environment' AS environment
        FROM (SELECT subject UNION ALL
              SELECT jsonb_path_query(subject, '$.layers[*]') UNION ALL
              SELECT jsonb_path_query(changed, '$.layers[*]')) all_touched(t)
    )
    SELECT DISTINCT left(key, 256) FROM (
      SELECT service FROM touched
      UNION ALL SELECT '@' || environment FROM touched
      UNION ALL SELECT service || '@' || environment FROM touched
      UNION ALL SELECT '=' || name FROM (VALUES (actor->>'id'), (actor->>'name'), (actor->'person'->>'id'), (actor->'person'->>'name')) who(name)
    ) keys(key) WHERE key IS NOT NULL
  $$;

  CREATE FUNCTION audit_index() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO audit_lookup (key, at, record_id)
      SELECT key, added.at, added.id FROM added, audit_keys(added.actor, added.subject, added.changed) key;
      RETURN NULL;
    END
  $$;

  CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'The audit is only ever added to: % of % is refused.', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END
  $$;
`;
