import { stillOpen } from './open-resources';

// `environment.ts` moves this behind the hooks of the spec file, by its name.
afterAll(function failOnLeaks() {
  const leaks = stillOpen();
  if (leaks.length > 0) throw new Error(`The spec file left open: ${leaks.join(', ')}`);
});
