// Writes docs/openapi.json from the compiled server. Run by `npm run openapi`, which builds first.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { AppModule } = require('../dist/app.module.js');
const { previewDocument } = require('../dist/http/openapi/preview-document.js');
const { loadSettings } = require('../dist/settings/load-settings.js');

const settings = loadSettings({});
const document = await previewDocument(AppModule.with(settings), settings);
writeFileSync(new URL('../docs/openapi.json', import.meta.url), `${JSON.stringify(document, null, 2)}\n`);
process.exit(0);
