import { Controller, Get, Header, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DomainError } from '../../kernel/domain-error';
import { ContentPolicy } from '../content-policy';
import { Browsable } from '../needs';
import type { FastifyReply } from '../request-context';
import { ApiDescription } from './api-description';

const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Trimtab API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#ui', deepLinking: true, validatorUrl: null });\n`;

/** Only what the server itself sends is loaded; Swagger UI writes its styles and icons inline. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The description of the API, and Swagger UI to read it with. Not anonymous: see docs/adr/0005-api-documentation-needs-a-token.md. */
@ApiExcludeController()
@Controller()
export class DocsController {
  constructor(private readonly description: ApiDescription) {}

  @Get('openapi.json')
  @Browsable()
  @Header('content-type', 'application/json; charset=utf-8')
  openapi(): string {
    return this.description.asJson();
  }

  @Get('docs')
  @Browsable()
  @Header('content-type', 'text/html; charset=utf-8')
  @ContentPolicy(POLICY)
  page(): string {
    return PAGE;
  }

  @Get('docs/start.js')
  @Browsable()
  @Header('content-type', 'text/javascript; charset=utf-8')
  start(): string {
    return START;
  }

  @Get('docs/:asset')
  @Browsable()
  async asset(@Param('asset') asset: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<Buffer> {
    const type = Object.hasOwn(ASSETS, asset) ? ASSETS[asset] : undefined;
    if (type === undefined) throw new DomainError('route_not_found', 'The documentation has no such file.');
    void reply.headers({ 'content-type': type, 'cache-control': 'private, max-age=86400' });
    return readFile(path.join(path.dirname(require.resolve('swagger-ui-dist/package.json')), asset));
  }
}
