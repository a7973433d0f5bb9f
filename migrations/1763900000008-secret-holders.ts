import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Whoever rotates a token is given its secret, as is who makes it: what is written with it may be theirs, and is not for them
 * to approve.
 */
export class SecretHolders1763900000008 implements MigrationInterface {
  name = 'SecretHolders1763900000008';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE credential ADD COLUMN rotated_by jsonb NOT NULL DEFAULT '[]'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE credential DROP COLUMN rotated_by');
  }
}
