// Lets `require` load TypeScript, compiled by swc on the way as the tests compile it: for commands that share code with
// the tests and are not part of the server.
const { transformSync } = require('@swc/core');
const { readFileSync } = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const root = path.resolve(__dirname, '..');

Module._extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), { cwd: root, filename, sourceMaps: 'inline' });
  module._compile(code, filename);
};
