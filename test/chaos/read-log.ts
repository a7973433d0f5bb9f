import type { Client } from 'pg';
import type { LoggedRelease, LoggedRevision } from './history';

interface Row {
  readonly id: string;
  readonly kind: string;
  readonly layer: string | null;
  readonly version: number;
  readonly document: string | null;
  readonly includes: string | null;
}

/** The log as it is in the tables, without the server's help. */
export async function readLog(client: Client): Promise<LoggedRevision[]> {
  const { rows } = await client.query<Row>(`
    SELECT v.id, v.kind, s.name || '@' || e.name AS layer, r.version,
           convert_from(d.content, 'UTF8') AS document, convert_from(i.content, 'UTF8') AS includes
      FROM revision v
      LEFT JOIN release r ON r.revision = v.id
      LEFT JOIN layer l ON l.id = r.layer_id
      LEFT JOIN service s ON s.id = l.service_id
      LEFT JOIN environment e ON e.id = l.environment_id
      LEFT JOIN release_document rd ON rd.layer_id = r.layer_id AND rd.version = r.version AND rd.kind = 'document' AND rd.name = 'application'
      LEFT JOIN document_content d ON d.hash = rd.hash
      LEFT JOIN release_document ri ON ri.layer_id = r.layer_id AND ri.version = r.version AND ri.kind = 'includes'
      LEFT JOIN document_content i ON i.hash = ri.hash
     ORDER BY v.id, layer`);
  const log = new Map<number, { revision: number; kind: string; releases: LoggedRelease[] }>();
  for (const { id, kind, layer, version, document, includes } of rows) {
    const revision = log.get(Number(id)) ?? { revision: Number(id), kind, releases: [] };
    log.set(revision.revision, revision);
    if (layer === null) continue;
    revision.releases.push({
      layer,
      version,
      ...(document === null ? {} : { content: JSON.parse(document) as Record<string, number> }),
      ...(includes === null ? {} : { includes: JSON.parse(includes) as NonNullable<LoggedRelease['includes']> }),
    });
  }
  return [...log.values()];
}
