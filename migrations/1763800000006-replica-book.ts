import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Since when the registrations of processes are kept without a gap. Unlogged like them: after a crash of Postgres this
 * row is gone as well, and whoever registers first begins the book anew. Until a lease has passed from then on, there may
 * be processes that live and have not registered again.
 */
export class ReplicaBook1763800000006 implements MigrationInterface {
  name = 'ReplicaBook1763800000006';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE UNLOGGED TABLE replica_book (
        singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
        begun_at  timestamptz NOT NULL
      );
      INSERT INTO replica_book (begun_at) VALUES ('-infinity');
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE replica_book');
  }
}
