import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What it takes to notice that the log was restored from an older backup, and to go on after it:
 * - `log_identity.id` tells this log from any other, so that a copy of one is never used against another.
 * - `log_identity.seen` is how a process that knows of revisions beyond the end of the log tells the others.
 * - Revisions of the kind `recovery` are looked up by every process that reads the log; there are hardly ever any.
 */
export class Recovery1763800000002 implements MigrationInterface {
  name = 'Recovery1763800000002';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE log_identity (
        id   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        seen bigint NOT NULL DEFAULT 0
      );
      CREATE UNIQUE INDEX log_identity_single ON log_identity ((true));
      INSERT INTO log_identity DEFAULT VALUES;

      ALTER TABLE revision DROP CONSTRAINT revision_kind_check;
      ALTER TABLE revision ADD CONSTRAINT revision_kind_check
        CHECK (kind IN ('publish', 'rollback', 'promotion', 'import', 'recovery'));
      CREATE INDEX revision_recovery ON revision (id) WHERE kind = 'recovery';
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP INDEX revision_recovery;
      ALTER TABLE revision DROP CONSTRAINT revision_kind_check;
      ALTER TABLE revision ADD CONSTRAINT revision_kind_check
        CHECK (kind IN ('publish', 'rollback', 'promotion', 'import')) NOT VALID;
      DROP TABLE log_identity;
    `);
  }
}
