import { httpUrl, integer, masterKeys, natsUrl, networks, oneOf, optionalText, originUrl, origins, postgresUrl, text, type Variable } from './variable';

/**
 * Every setting, once: where it comes from, what it is when unset, and what it means. The type {@link Settings}, the
 * loader and the table in `docs/operations.md` all follow from this object.
 */
export const VARIABLES = {
  role: oneOf('TRIMTAB_ROLE', ['replica', 'edge'], 'replica', 'What this process is: a `replica` works on Postgres; an `edge` serves clients from what was distributed over NATS, and needs no database.'),
  host: text('TRIMTAB_HOST', '127.0.0.1', 'Address to listen on. `0.0.0.0` opens the port to the network.'),
  port: integer('PORT', 8848, 'Port of the API, the feed and the health pages. `0` takes a free one.', { min: 0, max: 65_535 }),
  publicUrl: originUrl('TRIMTAB_PUBLIC_URL', 'Address under which people reach the server, like `https://trimtab.example.com`. With `https`, browsers are told to use nothing else from then on.'),
  databaseUrl: postgresUrl('DATABASE_URL', 'Postgres 15 or newer. When unset, an embedded Postgres is started.'),
  dataFolder: text('TRIMTAB_DATA', '.trimtab', 'Folder of the embedded Postgres. Not used with `DATABASE_URL`.'),
  logLevel: oneOf(
    'TRIMTAB_LOG_LEVEL',
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    'info',
    'Least severe log line that is written: `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`.',
  ),
  shutdownGraceMs: integer('TRIMTAB_SHUTDOWN_GRACE_MS', 0, 'How long the process says that it is not ready before it closes connections: as long as a load balancer needs to notice.', { min: 0 }),
  shutdownTimeoutMs: integer('TRIMTAB_SHUTDOWN_TIMEOUT_MS', 10_000, 'How long an orderly stop may take before the process exits anyway.'),
  copy: {
    folder: optionalText('TRIMTAB_COPY_FOLDER', 'Folder of the disk copy that the process serves from when it starts without the database; `none` for no copy. When unset, `copy-<PORT>` inside `TRIMTAB_DATA`, or none with `PORT=0`. Each process needs one of its own.'),
    maxBytes: integer('TRIMTAB_COPY_MAX_BYTES', 1024 ** 3, 'Size of all snapshots in the disk copy; the longest unused are given up.', { min: 1024 }),
  },
  tracing: {
    endpoint: httpUrl('OTEL_EXPORTER_OTLP_ENDPOINT', 'Base URL of an OpenTelemetry collector (OTLP over HTTP) that spans are sent to. When unset, nothing is traced.'),
    samplePercent: integer('TRIMTAB_TRACE_SAMPLE_PERCENT', 100, 'Share of the traces that begin here which is sent; a request that belongs to a trace follows what was decided there.', { min: 0, max: 100 }),
  },
  database: {
    poolSize: integer('TRIMTAB_DATABASE_POOL_SIZE', 10, 'Database connections of this process; the listener has one more.', { min: 2, max: 1_000 }),
    connectTimeoutMs: integer('TRIMTAB_DATABASE_CONNECT_TIMEOUT_MS', 5_000, 'How long connecting to the database, or waiting for a free connection, may take.'),
    statementTimeoutMs: integer('TRIMTAB_DATABASE_STATEMENT_TIMEOUT_MS', 30_000, 'How long one statement may run. Migrations are not limited.'),
  },
  http: {
    maxBodyBytes: integer('TRIMTAB_HTTP_MAX_BODY_BYTES', 4 * 1024 * 1024, 'Largest request body.', { min: 1024 }),
    maxConcurrentRequests: integer('TRIMTAB_HTTP_MAX_CONCURRENT_REQUESTS', 512, 'Requests of the API that are worked on at once; more are answered 429.'),
    maxWaitingRequests: integer('TRIMTAB_HTTP_MAX_WAITING_REQUESTS', 512, 'Requests of the API that may wait for a revision to be taken at once; more are answered 429.'),
    requestTimeoutMs: integer('TRIMTAB_HTTP_REQUEST_TIMEOUT_MS', 30_000, 'How long a client may take to send a whole request.'),
    maxConnections: integer('TRIMTAB_HTTP_MAX_CONNECTIONS', 50_000, 'Connections that are open at once, streams and sockets included; more are closed at once.'),
    trustedProxies: networks('TRIMTAB_TRUSTED_PROXIES', 'Networks (CIDR), separated by commas, of the proxies whose `X-Forwarded-For` is believed, or `none`. Without it the address of a client is that of its connection, whatever a header says.'),
    allowedOrigins: origins('TRIMTAB_ALLOWED_ORIGINS', 'Origins of web pages that may call the API with a token, separated by commas, or `none`. Cookies are never taken from them.'),
    requestsPerSecond: integer('TRIMTAB_HTTP_REQUESTS_PER_SECOND', 1_000, 'Requests of the API each credential may make per second while others are there too; in one moment twice as many.'),
    readsPerSecond: integer('TRIMTAB_HTTP_READS_PER_SECOND', 10_000, 'The same for requests of the data plane.'),
    strangersPerMinute: integer('TRIMTAB_HTTP_STRANGERS_PER_MINUTE', 600, 'Requests without a valid credential that each address (IPv6: each /64) may make per minute; health pages are not counted.'),
  },
  secrets: {
    masterKeys: masterKeys('TRIMTAB_MASTER_KEYS', 'Master keys that the keys of sealed values are wrapped with, as `id:base64`, separated by commas; the first wraps new ones. Better in a file.'),
    masterKeyFile: optionalText('TRIMTAB_MASTER_KEY_FILE', 'File with the same, one to a line, that not everybody can read. Without either nothing can be sealed, and what is sealed cannot be read. Every process needs the same keys; an edge needs them to serve secrets.'),
  },
  sessions: {
    idleMinutes: integer('TRIMTAB_SESSION_IDLE_MINUTES', 120, 'How long a person stays signed in without doing anything.', { max: 43_200 }),
    maxMinutes: integer('TRIMTAB_SESSION_MAX_MINUTES', 1_440, 'How long a person stays signed in in any case.', { max: 43_200 }),
  },
  oidc: {
    issuer: httpUrl('TRIMTAB_OIDC_ISSUER', 'Identity provider (OpenID Connect) that people may sign in at, by the URL it calls itself. When unset, people sign in with a password only. Needs `TRIMTAB_PUBLIC_URL`.'),
    clientId: optionalText('TRIMTAB_OIDC_CLIENT_ID', 'What this server is called at the identity provider.'),
    clientSecret: optionalText('TRIMTAB_OIDC_CLIENT_SECRET', 'The secret it has there, if it has one.'),
    clientSecretFile: optionalText('TRIMTAB_OIDC_CLIENT_SECRET_FILE', 'File with that secret, instead.'),
    scopes: text('TRIMTAB_OIDC_SCOPES', 'openid profile', 'What is asked for, separated by spaces. Many providers tell groups only when a scope for them is named.'),
    groupsClaim: text('TRIMTAB_OIDC_GROUPS_CLAIM', 'groups', 'The claim that lists the groups of a person.'),
    newPeople: oneOf('TRIMTAB_OIDC_NEW_PEOPLE', ['create', 'refuse'], 'create', 'What happens when somebody signs in there for the first time: `create` makes a person, who may do nothing until something is granted; `refuse` lets in only who was named before.'),
  },
  documents: {
    maxBytes: integer('TRIMTAB_DOCUMENT_MAX_BYTES', 1024 * 1024, 'Largest source of one document.'),
    maxDepth: integer('TRIMTAB_DOCUMENT_MAX_DEPTH', 64, 'Deepest nesting of a structured document.', { max: 1_000 }),
    maxAliasExpansion: integer('TRIMTAB_DOCUMENT_MAX_ALIAS_EXPANSION', 100, 'How many times its source a YAML document may grow by aliases.'),
    maxPerLayer: integer('TRIMTAB_DOCUMENTS_PER_LAYER', 100, 'Documents in one layer.'),
  },
  replica: {
    leaseMs: integer('TRIMTAB_REPLICA_LEASE_MS', 15_000, 'How long a process that has fallen silent, and its instances, are still counted. It makes itself heard three times as often.', { min: 300 }),
  },
  instances: {
    flushIntervalMs: integer('TRIMTAB_INSTANCES_FLUSH_INTERVAL_MS', 250, 'How often what instances have reported is written for the other replicas to see, when there is anything to write. Refusals are written at once.', { min: 10 }),
  },
  log: {
    pollIntervalMs: integer('TRIMTAB_LOG_POLL_INTERVAL_MS', 1_000, 'How often the log is asked for news that no notification told of.', { min: 10 }),
  },
  schedule: {
    pollIntervalMs: integer('TRIMTAB_SCHEDULE_POLL_INTERVAL_MS', 1_000, 'How often it is looked whether a scheduled change is due.', { min: 10 }),
    takeOverMs: integer('TRIMTAB_SCHEDULE_TAKE_OVER_MS', 60_000, 'How long a process that has begun to publish a scheduled change has for it, before another one looks whether it was published.', { min: 1_000 }),
  },
  feed: {
    sliceMs: integer('TRIMTAB_FEED_SLICE_MS', 8, 'How long a broadcast may hold the event loop before it lets other work through.'),
    bookmarkIntervalMs: integer('TRIMTAB_FEED_BOOKMARK_INTERVAL_MS', 5_000, 'How often idle clients are told how far the log has moved.', { min: 10 }),
    heartbeatMs: integer('TRIMTAB_FEED_HEARTBEAT_MS', 15_000, 'How often a silent connection is probed.', { min: 10 }),
    maxWaitMs: integer('TRIMTAB_FEED_MAX_WAIT_MS', 60_000, 'Longest wait of a long poll.'),
    deltaHistory: integer('TRIMTAB_FEED_DELTA_HISTORY', 8, 'Earlier snapshots kept per target, so that clients that hold one get a delta.', { min: 0, max: 1_000 }),
    maxAdmissionWaitMs: integer('TRIMTAB_FEED_MAX_ADMISSION_WAIT_MS', 5_000, 'How long a new connection may wait for its turn when very many come at once; those that would wait longer are answered 503 at once.'),
    moveWithinMs: integer('TRIMTAB_FEED_MOVE_WITHIN_MS', 5_000, 'How long clients have to move to another process, each at a moment of its own, when this one stops. They are served meanwhile; `0` ends all connections at once.', { min: 0 }),
    largeMessageBytes: integer('TRIMTAB_FEED_LARGE_MESSAGE_BYTES', 256 * 1024, 'From this size on a message is sent to a few clients at a time.'),
    allowedOrigins: origins('TRIMTAB_FEED_ALLOWED_ORIGINS', 'Origins of web pages that may open a socket, separated by commas, or `none`. Services send no origin and need not be named.'),
  },
  nats: {
    url: natsUrl('TRIMTAB_NATS_URL', 'NATS servers with JetStream, separated by commas: `nats://`, or `tls://` for an encrypted connection. A replica distributes what is published to them, an edge reads it there. When unset, nothing is distributed.'),
    bucket: text('TRIMTAB_NATS_BUCKET', 'trimtab', 'Key-value bucket that is used. Replicas make it when it is missing.'),
    replicas: integer('TRIMTAB_NATS_REPLICAS', 1, 'On how many servers of a NATS cluster a bucket that is made is kept.', { max: 5 }),
    credentialsFile: optionalText('TRIMTAB_NATS_CREDENTIALS', 'File with the credentials (`.creds`) to log in to NATS with.'),
    tlsCaFile: optionalText('TRIMTAB_NATS_TLS_CA', 'File with the certificates of the authorities to trust for NATS.'),
  },
};

type ValuesOf<T> = T extends Variable<infer Value> ? Value : { readonly [Key in keyof T]: ValuesOf<T[Key]> };

/** What the process was told by its environment: validated, complete, frozen. */
export type Settings = ValuesOf<typeof VARIABLES>;

/** Injection token of the {@link Settings}. */
export const SETTINGS = Symbol('Settings');
