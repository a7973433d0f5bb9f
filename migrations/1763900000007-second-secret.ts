import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A credential whose secret was replaced also takes the one before until `previous_expires_at`, so that whoever uses it can
 * be given the new one without a pause. There are never more than two; `previous_used_at` says whether the old one is still in
 * use somewhere.
 */
export class SecondSecret1763900000007 implements MigrationInterface {
  name = 'SecondSecret1763900000007';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE credential
        ADD COLUMN rotated_at timestamptz,
        ADD COLUMN previous_secret_hash bytea CONSTRAINT credential_previous_secret_hash_key UNIQUE,
        ADD COLUMN previous_expires_at timestamptz,
        ADD COLUMN previous_used_at timestamptz,
        ADD CONSTRAINT credential_previous_check CHECK ((previous_secret_hash IS NULL) = (previous_expires_at IS NULL));
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE credential
        DROP CONSTRAINT credential_previous_check,
        DROP COLUMN rotated_at,
        DROP COLUMN previous_secret_hash,
        DROP COLUMN previous_expires_at,
        DROP COLUMN previous_used_at;
    `);
  }
}
