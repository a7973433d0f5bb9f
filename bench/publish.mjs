// Publishing one document of 20 KiB over the admin API, against a bare transaction that writes the same bytes.
import { stringify } from 'yaml';
import { result } from './support/results.mjs';
import { startRole } from './support/role.mjs';
import { sampleConfig, VARYING } from './support/sample-config.mjs';
import { alternate } from './support/statistics.mjs';

const DOCUMENT_BYTES = 20 * 1_024;
const CONCURRENCY = 16;
const AIMS = { 1: 0.4, 16: 0.6 };

export async function run({ world, quick }) {
  const repetitions = quick ? 1 : 5;
  const seconds = quick ? 0.3 : 2;
  const server = await world.server();
  const writing = await startRole('writers');
  const bare = await startRole('bare-writers');
  const services = Array.from({ length: CONCURRENCY }, (_, index) => `writer-${index}`);
  for (const service of services) await server.admin.service(service);
  await bare.call('connect', { databaseUrl: server.databaseUrl, writers: CONCURRENCY });

  const value = { ...sampleConfig(DOCUMENT_BYTES - 30, 1), seed: VARYING };
  const kinds = [
    { format: 'JSON', contentType: 'application/json', source: JSON.stringify(value), rated: true },
    { format: 'YAML', contentType: 'application/yaml', source: stringify(value).slice(0, DOCUMENT_BYTES), rated: false },
  ];
  const results = [];
  for (const { format, contentType, source, rated } of quick ? kinds.slice(0, 1) : kinds) {
    for (const writers of [1, CONCURRENCY]) {
      const ours = () =>
        writing.call('run', { port: server.port, token: server.token, services: services.slice(0, writers), contentType, source, seconds });
      const theirs = () => bare.call('run', { writers, source, seconds });
      const { values, limits } = await alternate(repetitions, ours, theirs);
      const name = `publish of one 20 KiB ${format} document, ${writers === 1 ? '1 writer' : `${writers} writers`}`;
      results.push(result({ name, unit: 'publishes/s', values, limits, aim: rated ? AIMS[writers] : null, more: true }));
    }
  }
  await Promise.all([server.end(), writing.end(), bare.end()]);
  return results;
}
