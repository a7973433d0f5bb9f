// Preloaded into a server process (`node --require`), puts the fault that TRIMTAB_MUTATION names into the one file it
// belongs to, on the way. What is on disk stays as it is.
const { transformSync } = require('@swc/core');
const { readFileSync } = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { MUTATIONS, PROCESS_MUTATIONS } = require('../support/mutations.cjs');

const root = path.resolve(__dirname, '../..');
const { file, find, replace } = { ...MUTATIONS, ...PROCESS_MUTATIONS }[process.env.TRIMTAB_MUTATION];
const compiled = path.join(root, file.replace(/^src\//, 'dist/').replace(/\.ts$/, '.js'));
const load = Module._extensions['.js'];

Module._extensions['.js'] = (module, filename) => {
  if (filename !== compiled) return load(module, filename);
  const parts = readFileSync(path.join(root, file), 'utf8').split(find);
  if (parts.length !== 2) throw new Error(`${file} must hold exactly once: ${find}`);
  return module._compile(transformSync(parts.join(replace), { cwd: root, filename: path.join(root, file) }).code, filename);
};
