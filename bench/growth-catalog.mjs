// What a large catalog costs against a small one: the same request to a server on each, by turns.
import { serviceName } from './growth-data.cjs';
import { result } from './support/results.mjs';
import { alternate, median } from './support/statistics.mjs';

const AIM = 2;
const WARM_UPS = 3;
/** Of the numbers the measured requests have. */
const APART = 400;
const cursor = (...key) => Buffer.from(JSON.stringify(key)).toString('base64url');

/** What is asked of both, with the `count`-th request; every one meets another service, so that nothing is at hand. */
const REQUESTS = {
  // First, while nothing of these services is at hand.
  'read of a cold snapshot': { path: (side, count) => `/v1/config/${environmentOf(side, count)}/${spread(side, count)}`, once: true },
  'publish of one document, 1 writer': {
    method: 'PUT',
    path: (side, count) => `${layerOf(side, count)}/documents/application`,
    body: (count) => JSON.stringify({ name: 'published', edition: count, db: { pool: { min: 2, max: count } } }),
  },
  'releases of a layer': { path: (side, count) => `${layerOf(side, count)}/releases?limit=10` },
  'releases of a layer, second page': { path: (side, count) => `${layerOf(side, count)}/releases?limit=10&cursor=${cursor(11)}` },
  'comparison of two versions': { path: (side, count) => `${layerOf(side, count)}/compare?from=7&to=9` },
  'effective config as of a revision': { path: (side, count) => `${layerOf(side, count)}/effective?asOf=${side.revisions >> 1}` },
  revisions: { path: () => '/api/v1/revisions' },
  'revisions, in the middle': { path: (side, count) => `/api/v1/revisions?cursor=${cursor((side.revisions >> 1) + count)}` },
  'one revision': { path: (side, count) => `/api/v1/revisions/${(side.revisions >> 1) + count}` },
  'published changes': { path: () => '/api/v1/changes?status=published' },
  'published changes, in the middle': { path: (side, count) => `/api/v1/changes?status=published&cursor=${cursor((side.revisions >> 1) + count)}` },
  'open changes': { path: () => '/api/v1/changes?status=open' },
  'audit, of an action that is rare': { path: () => '/api/v1/audit?action=token.create' },
  'audit, of an actor that is unknown': { path: () => '/api/v1/audit?actor=nobody' },
  services: { path: () => '/api/v1/services' },
  'services, in the middle': { path: (side, count) => `/api/v1/services?cursor=${cursor(serviceName((side.services >> 1) + count))}` },
  'services whose name begins so': { path: (side) => `/api/v1/services?q=${serviceName(side.services - 5)}` },
  'creation of a service': { method: 'POST', path: () => '/api/v1/services', body: (count) => JSON.stringify({ name: `created-${count}` }) },
};

/** @param sides `large` and `small`: `{ http, services, revisions }` */
export async function measureCatalog({ large, small, quick }) {
  const repetitions = quick ? 1 : 5;
  const requests = quick ? 2 : 16;
  const results = [];
  for (const [name, request] of Object.entries(REQUESTS)) {
    let count = 0;
    const typical = (side) => async (repetition) => {
      const times = [];
      for (let index = 0; index < requests; index += 1) {
        const number = request.once ? repetition * requests + index : ++count;
        times.push(await side.http.time(request.method ?? 'GET', request.path(side, number), request.body?.(number)));
      }
      return median(times);
    };
    // Statements and code have run before; what is asked for is what is new.
    for (const side of [large, small]) {
      for (let index = 0; index < WARM_UPS; index += 1) await side.http.time(request.method ?? 'GET', request.path(side, APART + index), request.body?.(++count));
    }
    const { values, limits } = await alternate(repetitions, typical(large), typical(small));
    results.push(result({ name: `${name}, large against small`, unit: 'ms', values, limits, aim: AIM }));
  }
  return results;
}

const ENVIRONMENTS = ['production-eu', 'production', 'staging', 'production-us', 'base'];

/** All services in one environment before the next. */
function environmentOf({ services, includers }, count) {
  return ENVIRONMENTS[Math.floor(count / (services - includers)) % ENVIRONMENTS.length];
}

/** A service far from the one before, none of which includes the library. */
function spread({ services, includers }, count) {
  return serviceName(includers + 1 + ((count * 37) % (services - includers)));
}

function layerOf(side, count) {
  return `/api/v1/services/${spread(side, count)}/environments/${environmentOf(side, count)}`;
}
