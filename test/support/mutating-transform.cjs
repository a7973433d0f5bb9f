const { createTransformer } = require('@swc/jest');
const { MUTATIONS } = require('./mutations.cjs');

const mutation = MUTATIONS[process.env.TRIMTAB_MUTATION];
if (!mutation) throw new Error(`There is no mutation '${process.env.TRIMTAB_MUTATION}'.`);

/** swc's transformer, with one fault put into one source file on the way. The files themselves are not touched. */
const swc = createTransformer();

module.exports = {
  ...swc,
  canInstrument: false,
  // The fault is part of the source that the key is made from, so every other file is compiled once for all mutations.
  getCacheKey: (source, file, options) => swc.getCacheKey(mutate(source, file), file, options),
  process: (source, file, options) => swc.process(mutate(source, file), file, options),
};

function mutate(source, file) {
  if (!file.endsWith(mutation.file)) return source;
  const parts = source.split(mutation.find);
  if (parts.length !== 2) throw new Error(`${mutation.file} must hold exactly once: ${mutation.find}`);
  return parts.join(mutation.replace);
}
