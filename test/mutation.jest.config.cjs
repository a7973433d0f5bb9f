const base = require('../jest.config.cjs');

/** The ordinary tests over code with one fault in it; see support/mutations.cjs. */
module.exports = {
  ...base,
  rootDir: '..',
  transform: { '^.+\\.[cm]?[jt]s$': '<rootDir>/test/support/mutating-transform.cjs' },
};
