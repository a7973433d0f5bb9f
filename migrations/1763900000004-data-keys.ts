import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The keys that secrets in documents are sealed with, each wrapped by a master key that the database never sees. A key is
 * never deleted: every version of every document stays readable. New values are sealed with the one that is not retired.
 */
export class DataKeys1763900000004 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE data_key (
        id         uuid PRIMARY KEY,
        service_id integer NOT NULL REFERENCES service (id),
        wrapped    bytea NOT NULL,
        master_key text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        retired_at timestamptz
      );
      CREATE UNIQUE INDEX data_key_current ON data_key (service_id) WHERE retired_at IS NULL;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE data_key');
  }
}
