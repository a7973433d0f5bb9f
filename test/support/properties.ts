import fc from 'fast-check';

/**
 * Properties are tried on the same cases every time, so that a change is judged by the change. To look for new ones:
 * `TRIMTAB_PROPERTY_SEED=random npm test`; what that finds becomes an example of its own.
 */
const { TRIMTAB_PROPERTY_SEED: seed = '8848' } = process.env;
if (seed !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
