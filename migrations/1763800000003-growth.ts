import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What keeps a large catalog as quick as a small one:
 * - `service.changed` is the value that the catalog's counter had when the row was written last. The counter's row is
 *   locked until commit, so these values are given in the order of commits, and "everything after n" misses nothing: a
 *   process reads the services that are new to it, not ten thousand at every creation. A trigger gives them, because a
 *   writer that forgot to would go unnoticed.
 * - The index over manifests finds the few releases that declare includes without reading the others: every start does.
 * - The audit is asked by action and by actor, of whom there may be few records among millions.
 */
export class Growth1763800000003 implements MigrationInterface {
  name = 'Growth1763800000003';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE service ADD COLUMN changed bigint NOT NULL DEFAULT 0;
      CREATE INDEX service_changed ON service (changed);

      CREATE FUNCTION count_changed_service() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO topic_counter (topic, value) VALUES ('catalog', 1)
        ON CONFLICT (topic) DO UPDATE SET value = topic_counter.value + 1
        RETURNING value INTO NEW.changed;
        RETURN NEW;
      END $$;
      CREATE TRIGGER service_changed BEFORE INSERT OR UPDATE ON service
        FOR EACH ROW EXECUTE FUNCTION count_changed_service();

      CREATE INDEX release_document_includes ON release_document (layer_id, version) WHERE kind = 'includes';

      CREATE INDEX audit_record_action ON audit_record (action, id);
      CREATE INDEX audit_record_actor_id ON audit_record ((actor->>'id'), id);
      CREATE INDEX audit_record_actor_name ON audit_record ((actor->>'name'), id);
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP INDEX audit_record_action, audit_record_actor_id, audit_record_actor_name, release_document_includes;
      DROP TRIGGER service_changed ON service;
      DROP FUNCTION count_changed_service;
      ALTER TABLE service DROP COLUMN changed;
    `);
  }
}
