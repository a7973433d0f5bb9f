import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Who serves, and who is connected to whom. What is worth knowing before changing it:
 * - Both tables are unlogged: they only repeat what each process holds in memory. After a crash of Postgres they are
 *   empty, every process notices at its next renewal, and writes what it has again.
 * - A lease is one registration of a process, and every instance row belongs to a lease, not to a process: a statement
 *   whose outcome was never learnt, and which is still running when its process has registered again, finds its lease
 *   gone and fails, instead of putting back what was taken out meanwhile.
 * - Rows are rewritten far more often than they come and go; the free space in each page keeps those updates off the index.
 */
export class ReplicasAndInstances1763800000001 implements MigrationInterface {
  name = 'ReplicasAndInstances1763800000001';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE UNLOGGED TABLE replica (
        lease       uuid PRIMARY KEY,
        id          uuid NOT NULL,
        kind        text NOT NULL,
        host        text NOT NULL,
        pid         integer NOT NULL,
        version     text NOT NULL,
        started_at  timestamptz NOT NULL,
        position    bigint NOT NULL,
        lag         bigint NOT NULL,
        connections integer NOT NULL,
        listening   boolean NOT NULL,
        complete    boolean NOT NULL,
        renewed_at  timestamptz NOT NULL,
        lease_until timestamptz NOT NULL
      ) WITH (fillfactor = 50);

      CREATE UNLOGGED TABLE instance (
        lease            uuid NOT NULL REFERENCES replica ON DELETE CASCADE,
        connection       text COLLATE "C" NOT NULL,
        service          text COLLATE "C" NOT NULL,
        environment      text COLLATE "C" NOT NULL,
        instance_id      text COLLATE "C" NOT NULL,
        host             text,
        library          text,
        labels           jsonb NOT NULL,
        transport        text NOT NULL,
        connected_at     timestamptz NOT NULL,
        state            text NOT NULL,
        applied_revision bigint,
        revision         bigint,
        etag             text,
        reason           text,
        reported_at      timestamptz,
        PRIMARY KEY (lease, connection)
      ) WITH (fillfactor = 60);
      CREATE INDEX instance_order ON instance (service, environment, instance_id, connection);
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE instance; DROP TABLE replica;');
  }
}
