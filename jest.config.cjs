const esmOnly = [
  '@nestjs', 'file-type', 'strtok3', 'token-types', 'uint8array-extras', '@tokenizer', '@borewit',
  'load-esm', 'content-disposition', 'cookie', 'toml-eslint-parser', 'openid-client', 'oauth4webapi', 'jose',
];

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: '<rootDir>/test/support/environment.ts',
  roots: ['<rootDir>/src', '<rootDir>/client', '<rootDir>/test', '<rootDir>/scripts'],
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  setupFilesAfterEnv: ['<rootDir>/test/support/no-leaks.ts', '<rootDir>/test/support/properties.ts'],
  testMatch: ['**/*.spec.ts'],
  transform: { '^.+\\.[cm]?[jt]s$': '<rootDir>/test/support/mutating-transform.cjs' },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
  moduleNameMapper: {
    '^#migrations/(.*)$': '<rootDir>/migrations/$1.ts',
    '^@trimtab/client$': '<rootDir>/client/src/index.ts',
    '^@trimtab/client/(protocol|testing)$': '<rootDir>/client/src/$1.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/client/dist', '<rootDir>/.trimtab'],
  coverageProvider: 'v8',
  testTimeout: 30000,
};
