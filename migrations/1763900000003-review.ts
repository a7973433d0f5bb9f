import PgBoss from 'pg-boss';
import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Review, and publishing at a time.
 * - A review names the edition it looked at, so that an edit voids it without anybody having to remember to. At most one word of
 *   each person stands (`change_review_standing`); earlier ones stay, withdrawn.
 * - `change.contributors` are all who have made an edition of it since: neither they nor its author can approve it.
 * - A schedule names its edition for the same reason, and the job that will wake somebody up for it. That job is only an
 *   alarm clock: what is to happen, and whether it already has, stands here and in `change`.
 * - The schema `job_queue` belongs to the job library (docs/adr/0018), which upgrades it by itself. It is made here, so that the
 *   user who runs migrations is the only one who needs the right to create a schema.
 * - The topic `environments` is counted whenever an environment is created or changed: a publish compares it under the log's
 *   lock with what it was checked against, so that nothing passes an environment that has become protected meanwhile.
 */
export class Review1763900000003 implements MigrationInterface {
  name = 'Review1763900000003';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE environment ADD COLUMN required_approvals integer CHECK (required_approvals > 0);
      INSERT INTO topic_counter VALUES ('environments', 0);

      ALTER TABLE revision ADD COLUMN emergency text;

      ALTER TABLE change ADD COLUMN contributors jsonb NOT NULL DEFAULT '[]';

      CREATE TABLE change_review (
        id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        change_id    bigint NOT NULL REFERENCES change,
        edition      integer NOT NULL,
        verdict      text NOT NULL CHECK (verdict IN ('approve', 'request-changes')),
        person_id    uuid NOT NULL,
        reviewer     jsonb NOT NULL,
        comment      text NOT NULL DEFAULT '',
        created_at   timestamptz NOT NULL DEFAULT now(),
        withdrawn_at timestamptz
      );
      CREATE INDEX change_review_change ON change_review (change_id, id);
      CREATE UNIQUE INDEX change_review_standing ON change_review (change_id, person_id) WHERE withdrawn_at IS NULL;

      CREATE TABLE change_comment (
        id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        change_id  bigint NOT NULL REFERENCES change,
        author     jsonb NOT NULL,
        text       text NOT NULL,
        place      jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz
      );
      CREATE INDEX change_comment_change ON change_comment (change_id, id);

      CREATE TABLE change_schedule (
        change_id    bigint PRIMARY KEY REFERENCES change,
        edition      integer NOT NULL,
        at           timestamptz NOT NULL,
        scheduled_by jsonb NOT NULL,
        job_id       uuid NOT NULL,
        created_at   timestamptz NOT NULL DEFAULT now(),
        failure      jsonb,
        failed_at    timestamptz,
        CHECK ((failure IS NULL) = (failed_at IS NULL))
      );
    `);
    // The library wraps its statements in a transaction; here they belong to that of the migration.
    await queryRunner.query(PgBoss.getConstructionPlans('job_queue').replace(/^\s*BEGIN;/, '').replace(/COMMIT;\s*$/, ''));
    await queryRunner.query(`SELECT job_queue.create_queue('scheduled-publish', '{"policy": "standard"}')`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP SCHEMA job_queue CASCADE;
      DROP TABLE change_schedule, change_comment, change_review;
      ALTER TABLE change DROP COLUMN contributors;
      ALTER TABLE revision DROP COLUMN emergency;
      DELETE FROM topic_counter WHERE topic = 'environments';
      ALTER TABLE environment DROP COLUMN required_approvals;
    `);
  }
}
