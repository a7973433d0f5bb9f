import { readFileSync } from 'node:fs';
import path from 'node:path';
import { AppModule } from '../src/app.module';
import { previewDocument } from '../src/http/openapi/preview-document';
import { defaultSettings } from '../src/settings/default-settings';

type Operation = { operationId?: string; summary?: string; security?: unknown[]; responses: Record<string, { content?: unknown }> };

describe('given the OpenAPI document of this code', () => {
  let document: Awaited<ReturnType<typeof previewDocument>>;
  let operations: [string, Operation][];

  beforeAll(async () => {
    const settings = defaultSettings();
    document = await previewDocument(AppModule.with(settings), settings);
    operations = Object.entries(document.paths).flatMap(([url, item]) =>
      Object.entries(item as Record<string, Operation>).map(([method, operation]): [string, Operation] => [`${method.toUpperCase()} ${url}`, operation]),
    );
  });

  it('is the one in docs/openapi.json (run `npm run openapi` when it is not)', () => {
    const committed: unknown = JSON.parse(readFileSync(path.resolve(__dirname, '../docs/openapi.json'), 'utf8'));
    expect(document).toEqual(committed);
  });

  it('gives every operation a summary and a name of its own', () => {
    expect(operations.filter(([, { summary }]) => summary === undefined || summary === '').map(([name]) => name)).toEqual([]);
    const names = operations.map(([, { operationId }]) => operationId);
    expect(new Set(names).size).toBe(names.length);
  });

  it('says of every operation but the health pages, and those with which one signs in, that it needs a credential', () => {
    const open = operations.filter(([, { security }]) => security === undefined || !JSON.stringify(security).includes('bearer'));
    expect(open.map(([name]) => name)).toEqual([
      'POST /api/v1/links',
      'POST /api/v1/session',
      'GET /api/v1/session/oidc/callback',
      'GET /api/v1/session/oidc/start',
      'POST /api/v1/setup',
      'GET /health/live',
      'GET /health/ready',
    ]);
  });

  it('names no schema that it does not define', () => {
    const named = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name);
    const defined = Object.keys(document.components?.schemas ?? {});
    expect([...new Set(named)].filter((name) => !defined.includes(name ?? ''))).toEqual([]);
  });
});
