import type { DataSource } from 'typeorm';

/** How much there is of everything that a request could write, but that it was refused: equal before and after one that was. */
export async function written(dataSource: DataSource): Promise<unknown> {
  const [counts] = await dataSource.query<unknown[]>(
    `SELECT (SELECT count(*) FROM revision) AS revisions, (SELECT count(*) FROM change) AS changes, (SELECT count(*) FROM change_edit) AS edits,
            (SELECT max(updated_at) FROM change) AS edited, (SELECT count(*) FROM environment) AS environments, (SELECT count(*) FROM service) AS services,
            (SELECT count(*) FROM credential WHERE revoked_at IS NULL) AS credentials, (SELECT count(*) FROM audit_record WHERE action NOT LIKE '%refuse%') AS audited`,
  );
  return counts;
}
