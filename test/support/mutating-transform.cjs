const { createTransformer } = require('@swc/jest');
const { MUTATIONS } = require('./mutations.cjs');

const name = process.env.TRIMTAB_MUTATION;
const mutation = name === undefined ? undefined : MUTATIONS[name];
if (name !== undefined && !mutation) throw new Error(`There is no mutation '${name}'.`);

/**
 * swc's transformer. Where TRIMTAB_MUTATION names a fault, it is put into the one source file it belongs to on the way;
 * the files themselves are not touched. One transformer for both, so that everything is compiled once.
 */
const swc = createTransformer();

module.exports = {
  ...swc,
  canInstrument: false,
  // The fault is part of the source that the key is made from, so the cache never gives back a file without it.
  getCacheKey: (source, file, options) => swc.getCacheKey(mutate(source, file), file, options),
  process: (source, file, options) => swc.process(mutate(source, file), file, options),
};

function mutate(source, file) {
  if (!mutation || !file.endsWith(mutation.file)) return source;
  const parts = source.split(mutation.find);
  if (parts.length !== 2) throw new Error(`${mutation.file} must hold exactly once: ${mutation.find}`);
  return parts.join(mutation.replace);
}
