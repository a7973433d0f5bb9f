import { stillOpen } from './open-resources';

// Registered before those of the spec file, so jest runs it after them.
afterAll(() => {
  const leaks = stillOpen();
  if (leaks.length > 0) throw new Error(`The spec file left open: ${leaks.join(', ')}`);
});
