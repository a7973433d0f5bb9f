import { describeRoute, type Schema } from '../../http/openapi/described-routes';
import { DOCUMENT_NAME_PATTERN, LABEL_PATTERN } from '../../kernel/names';

const label = { type: 'string', pattern: LABEL_PATTERN.source } as const;
const environment = { name: 'environment', in: 'path', required: true, schema: label } as const;
const service = { name: 'service', in: 'path', required: true, schema: label } as const;
const revision = {
  name: 'revision',
  in: 'query',
  description: 'The answer is of this revision of the log or a later one. With `wait`: the revision the client has.',
  schema: { type: 'integer', minimum: 0 },
} as const;
const asOf = {
  name: 'asOf',
  in: 'query',
  description: 'Read as it was right after this revision; not with `wait` or `revision`.',
  schema: { type: 'integer', minimum: 0 },
} as const;
const ifNoneMatch = { name: 'If-None-Match', in: 'header', schema: { type: 'string' } } as const;
const instance = [
  { name: 'X-Trimtab-Instance', in: 'header', description: 'With `wait` or a stream: the id under which the client is listed among the instances, unique per running process.', schema: { type: 'string', maxLength: 128 } },
  { name: 'X-Trimtab-Host', in: 'header', description: 'Where it runs.', schema: { type: 'string', maxLength: 255 } },
  { name: 'X-Trimtab-Labels', in: 'header', description: 'Its labels, as `name=value`, several separated by commas.', schema: { type: 'string', example: 'zone=eu-1, canary=yes' } },
] as const;
const etag = { ETag: { description: 'Of the content.', schema: { type: 'string' } } } as const;
const unchanged = { description: 'Still what `If-None-Match` names, or nothing new within `wait`.' } as const;

const snapshot: Schema = {
  type: 'object',
  required: ['revision', 'etag', 'service', 'environment', 'layers', 'documents'],
  properties: {
    revision: { type: 'integer', description: 'Newest revision among the releases that contribute.' },
    etag: { type: 'string' },
    service: label,
    environment: label,
    layers: {
      type: 'array',
      description: 'What was merged, weakest first.',
      items: {
        type: 'object',
        required: ['service', 'environment', 'version', 'revision'],
        properties: { service: label, environment: label, version: { type: 'integer' }, revision: { type: 'integer' } },
      },
    },
    documents: {
      type: 'object',
      description: 'By name: `{ format, value }`, or `{ format: "text", text }`.',
      additionalProperties: { type: 'object', required: ['format'], properties: { format: { type: 'string' }, value: {}, text: { type: 'string' } } },
    },
  },
};

describeRoute('/v1/config/{environment}/{service}', {
  get: {
    operationId: 'Config.snapshot',
    summary: 'The effective config of a service: at once, when it changes, or as a stream',
    tags: ['data plane'],
    security: [{ bearer: [] }],
    parameters: [
      environment,
      service,
      revision,
      { name: 'wait', in: 'query', description: 'Long poll: wait this long for something newer, e.g. `30s`.', schema: { type: 'string', example: '30s' } },
      asOf,
      { name: 'origin', in: 'query', description: 'Explain every key: which layer, version and line it comes from, and what it overrides.', schema: { type: 'boolean' } },
      { name: 'deltas', in: 'query', description: '`false`: a stream sends whole snapshots only.', schema: { type: 'boolean', default: true } },
      ifNoneMatch,
      ...instance,
    ],
    responses: {
      '200': {
        description: 'The snapshot; with `Accept: text/event-stream` the messages of the feed.',
        headers: etag,
        content: { 'application/json': { schema: snapshot }, 'text/event-stream': { schema: { type: 'string' } } },
      },
      '304': unchanged,
    },
  },
});

describeRoute('/v1/config/{environment}/{service}/{document}', {
  get: {
    operationId: 'Config.document',
    summary: 'One document of the effective config, in its own format',
    tags: ['data plane'],
    security: [{ bearer: [] }],
    parameters: [
      environment,
      service,
      { name: 'document', in: 'path', required: true, schema: { type: 'string', pattern: DOCUMENT_NAME_PATTERN.source } },
      revision,
      asOf,
      ifNoneMatch,
    ],
    responses: { '200': { description: 'Its source.', headers: etag, content: { '*/*': { schema: { type: 'string' } } } }, '304': unchanged },
  },
});
