// npm run chaos -- --seconds 120 --seed 1
// What it does, and what its exit codes mean, is in docs/chaos.md; `--help` lists the options.
import { createRequire } from 'node:module';
import process from 'node:process';

process.setSourceMapsEnabled(true);
const require = createRequire(import.meta.url);
require('./typescript-hook.cjs');
const { chaosCommand } = require('../test/chaos/chaos-command.ts');

process.exitCode = await chaosCommand(process.argv.slice(2));
