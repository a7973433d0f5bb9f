import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Where a revision comes from and when, for those who follow it through the fleet. `traceparent` is the trace context of
 * the request that published it (W3C), so that a replica which learns of the revision goes on with the same trace.
 *
 * `created_at` becomes the moment the row is written, under the log's lock, instead of the moment its transaction began:
 * the wait for the lock is not part of the revision's age, and times now follow the order of the log.
 */
export class TraceContext1763800000004 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE revision ADD COLUMN traceparent text;
      ALTER TABLE revision ALTER COLUMN created_at SET DEFAULT clock_timestamp();
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE revision ALTER COLUMN created_at SET DEFAULT now();
      ALTER TABLE revision DROP COLUMN traceparent;
    `);
  }
}
