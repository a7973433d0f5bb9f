// A catalog of any size, written by set-based SQL into a migrated database, row for row as the server would have written
// it by publishing one document at a time: used by bench/growth.mjs and test/growth.spec.ts.

/** Beside `base`, which every database has. Parents first. */
const ENVIRONMENTS = { staging: 'base', production: 'base', 'production-eu': 'production', 'production-us': 'production' };
const ENVIRONMENT_NAMES = ['base', ...Object.keys(ENVIRONMENTS)];
/** A service like any other, which `includers` others include from `base` on. */
const LIBRARY = 'library';
/** Every so many of the includers have a schema attached to what they merge with the library. */
const SCHEMA_EVERY = 10;
const LOGGING_VARIANTS = 8;
const ACTOR = '{"kind":"token","id":"8f14e45f-ceea-467a-9b36-3c1b5a5d8a10","name":"growth"}';

/** `service-00001` and so on; number 1 is the first that includes the library. */
const serviceName = (number) => `service-${String(number).padStart(5, '0')}`;

/**
 * Fills a database with `services` services and the library, each with a layer in every environment, `versions`
 * releases of every layer, and `includers` services that include the library. Every release is a revision, a change with
 * one edit, and an audit record. The environments of a service share the contents of a version, as promotions do.
 * Needs a superuser: the foreign keys of millions of rows are not checked one by one.
 */
async function loadCatalog(client, { services, versions, includers = 0 }) {
  const statements = [
    'SET session_replication_role = replica',
    'SET synchronous_commit = off',
    'SET statement_timeout = 0',
    ...Object.entries(ENVIRONMENTS).map(
      ([name, parent]) => `INSERT INTO environment (name, parent_id) SELECT '${name}', id FROM environment WHERE name = '${parent}' ON CONFLICT DO NOTHING`,
    ),
    `INSERT INTO service (name) SELECT 'service-' || lpad(n::text, 5, '0') FROM generate_series(1, ${services}) n
     UNION ALL SELECT '${LIBRARY}'`,
    `CREATE TEMP TABLE named AS
       SELECT id, name, CASE WHEN name = '${LIBRARY}' THEN 0 ELSE substr(name, 9)::int END AS number
         FROM service WHERE name = '${LIBRARY}' OR name LIKE 'service-%'`,
    `CREATE TEMP TABLE place AS
       SELECT row_number() OVER (ORDER BY s.id, e.id) - 1 AS ordinal, s.id AS service_id, s.name AS service, s.number,
              e.id AS environment_id, e.name AS environment, count(*) OVER () AS places,
              (SELECT coalesce(max(id), 0) FROM revision) AS basis
         FROM named s CROSS JOIN environment e WHERE e.name IN (${ENVIRONMENT_NAMES.map((name) => `'${name}'`).join(', ')})`,
    ...contents({ versions, includers }),
    `INSERT INTO layer (service_id, environment_id, version, revision)
       SELECT service_id, environment_id, ${versions}, basis + ${versions - 1} * places + ordinal + 1 FROM place ORDER BY ordinal`,
    `CREATE TEMP TABLE made AS
       SELECT l.id AS layer_id, v AS version, p.basis + (v - 1) * p.places + p.ordinal + 1 AS revision,
              p.service_id, p.service, p.number, p.environment_id, p.environment
         FROM generate_series(1, ${versions}) v CROSS JOIN place p
         JOIN layer l USING (service_id, environment_id)
        ORDER BY v, p.ordinal`,
    'ANALYZE made',
    `INSERT INTO revision (id, kind, message, actor, created_at)
       SELECT revision, 'publish', 'Edit document application of ' || service || '@' || environment, '${ACTOR}',
              now() - (max(revision) OVER () - revision) * interval '10 seconds'
         FROM made ORDER BY revision`,
    `INSERT INTO release (layer_id, version, revision, includes_changed)
       SELECT layer_id, version, revision, version = 1 AND environment = 'base' AND number BETWEEN 1 AND ${includers}
         FROM made ORDER BY revision`,
    ...manifests(includers),
    `INSERT INTO change (kind, title, status, author, revision, created_at, updated_at)
       SELECT kind, message, 'published', actor, id, created_at, created_at FROM revision
        WHERE NOT EXISTS (SELECT FROM change WHERE change.revision = revision.id) ORDER BY id`,
    `INSERT INTO change_edit (change_id, service_id, environment_id, kind, name, format, keys, hash, base_version, base_format, base_keys, base_hash)
       SELECT c.id, m.service_id, m.environment_id, 'document', 'application', 'json', 'literal', k.hash, m.version - 1,
              CASE WHEN b.hash IS NOT NULL THEN 'json' END, CASE WHEN b.hash IS NOT NULL THEN 'literal' END, b.hash
         FROM made m JOIN change c ON c.revision = m.revision
         JOIN application k ON k.service_id = m.service_id AND k.version = m.version
         LEFT JOIN application b ON b.service_id = m.service_id AND b.version = m.version - 1
        ORDER BY c.id`,
    // Its triggers write more than foreign keys: the chain of the audit.
    'SET session_replication_role = origin',
    `INSERT INTO audit_record (at, actor, action, subject, changed, revision)
       SELECT r.created_at, r.actor, 'change.publish', jsonb_build_object('kind', r.kind, 'message', r.message),
              jsonb_build_object('layers', jsonb_build_array(
                jsonb_build_object('service', m.service, 'environment', m.environment, 'before', m.version - 1, 'version', m.version))),
              m.revision
         FROM made m JOIN revision r ON r.id = m.revision ORDER BY m.revision`,
    'SET session_replication_role = replica',
    `UPDATE topic_counter SET value = value + 1 WHERE topic = 'catalog'`,
    'DROP TABLE named, place, made, application, logging',
    'RESET session_replication_role',
  ];
  for (const statement of statements) await client.query(statement);
  await client.query('VACUUM ANALYZE');
}

/** Per service and version one `application`, some hundred bytes, and a few `logging` that all services share. */
function contents({ versions, includers }) {
  const store = (rows) => `INSERT INTO document_content (hash, content) SELECT hash, content FROM ${rows} ON CONFLICT DO NOTHING`;
  return [
    `CREATE TEMP TABLE application AS
       SELECT service_id, version, sha256(content) AS hash, content FROM (
         SELECT s.id AS service_id, v AS version, convert_to(json_build_object(
                  'name', s.name, 'edition', v,
                  'db', json_build_object('url', 'postgres://' || s.name || '.internal:5432/main', 'pool', json_build_object('min', 2, 'max', 10 + v)),
                  'http', json_build_object('port', 8000 + s.number % 1000, 'timeouts', json_build_object('connectMs', 500 + v, 'readMs', 5000)),
                  'features', json_build_object('search', s.number % 2 = 0, 'export', v % 2 = 0),
                  'regions', json_build_array('eu', 'us', s.name)
                )::text, 'UTF8') AS content
           FROM named s CROSS JOIN generate_series(1, ${versions}) v) made`,
    store('application'),
    `CREATE TEMP TABLE logging AS
       SELECT variant, sha256(content) AS hash, content FROM (
         SELECT variant, convert_to(E'root: info\\nvariant: ' || variant || E'\\n', 'UTF8') AS content FROM generate_series(0, ${LOGGING_VARIANTS - 1}) variant) made`,
    store('logging'),
    ...(includers === 0 ? [] : [store(`(SELECT ${hashed(INCLUDES)} AS hash, ${bytes(INCLUDES)} AS content UNION ALL SELECT ${hashed(SCHEMA)}, ${bytes(SCHEMA)}) one`)]),
    'ANALYZE application',
  ];
}

const INCLUDES = JSON.stringify([{ service: LIBRARY }]);
const SCHEMA = JSON.stringify({ type: 'object', required: ['db'], properties: { limit: { type: 'integer', maximum: 1_000_000 }, edition: { type: 'integer' } } });
const bytes = (text) => `convert_to('${text}', 'UTF8')`;
const hashed = (text) => `sha256(${bytes(text)})`;

function manifests(includers) {
  const target = 'INSERT INTO release_document (layer_id, version, kind, name, format, keys, hash)';
  return [
    `${target}
       SELECT layer_id, version, 'document', d.name, d.format, 'literal', d.hash
         FROM made m JOIN application a USING (service_id, version) JOIN logging l ON l.variant = m.number % ${LOGGING_VARIANTS}
        CROSS JOIN LATERAL (VALUES ('application', 'json', a.hash), ('logging', 'yaml', l.hash)) d(name, format, hash)
        ORDER BY m.revision`,
    `${target}
       SELECT layer_id, version, 'includes', 'includes', 'json', 'literal', ${hashed(INCLUDES)} FROM made
        WHERE environment = 'base' AND number BETWEEN 1 AND ${includers} ORDER BY revision`,
    `${target}
       SELECT layer_id, version, 'schema', 'application', 'json', 'literal', ${hashed(SCHEMA)} FROM made
        WHERE environment = 'base' AND number BETWEEN 1 AND ${includers} AND number % ${SCHEMA_EVERY} = 0 ORDER BY revision`,
  ];
}

exports.ENVIRONMENT_NAMES = ENVIRONMENT_NAMES;
exports.LIBRARY = LIBRARY;
exports.serviceName = serviceName;
exports.loadCatalog = loadCatalog;
