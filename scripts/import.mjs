// Imports a folder of Spring Cloud Config files: npm run import -- <folder> [--url …] [--token …] [--dry-run] [--help]
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const USAGE = `npm run import -- <folder> [options]

  --url <url>               the server; default TRIMTAB_URL or http://127.0.0.1:8848
  --token <token>           an administrator token; default TRIMTAB_TOKEN
  --title <text>            why; it stays in the history
  --common <service>        the service made of application.yml, which all others include; default application
  --parent <environment>    parent of environments that do not exist yet; default base
  --environment <p>=<e>     the profile p is the environment e; may be repeated
  --service <name>          a service whose name would be read as {service}-{profile}; may be repeated
  --dry-run                 show what it would do, and do nothing
  --open                    leave the change open, to be looked at and published later
  --prune                   also delete documents that the folder does not have
`;
/** Layers that are named one by one. */
const SHOWN = 6;
const CONFIG_FILE = /\.(ya?ml|properties|json|toml)$/i;

class Mistake extends Error {}

function readOptions() {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  const many = { type: 'string', multiple: true, default: [] };
  const options = { url: text, token: text, title: text, common: text, parent: text, environment: many, service: many, 'dry-run': flag, open: flag, prune: flag, help: flag };
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    throw new Mistake(`${error.message}\n\n${USAGE}`);
  }
}

function readFiles(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && CONFIG_FILE.test(entry.name))
      .map(({ name }) => ({ path: name, content: decode(name, readFileSync(path.join(folder, name))) }));
  } catch (error) {
    if (error instanceof Mistake) throw error;
    throw new Mistake(`${folder} cannot be read: ${error.message}`);
  }
}

/** Strictly, and with a byte order mark kept: the sources are stored as they are. */
function decode(name, bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Mistake(`${name} is not UTF-8. Save it as UTF-8 and try again.`);
  }
}

function readEnvironments(pairs) {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [profile, environment, ...rest] = pair.split('=');
      if (!profile || !environment || rest.length > 0) throw new Mistake(`--environment ${pair}: write it as profile=environment.`);
      return [profile, environment];
    }),
  );
}

async function send(url, token, body) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  let response;
  try {
    response = await fetch(new URL('/api/v1/imports', url), { method: 'POST', headers, body: JSON.stringify(body) });
  } catch (error) {
    throw new Mistake(`${url} cannot be reached: ${error.cause?.message ?? error.message}. Is the server running (npm start)?`);
  }
  const answer = await response.json();
  if (!response.ok) throw new Mistake(`${answer.code}: ${answer.detail}`);
  return answer;
}

function names(list) {
  return list.map(({ name, created }) => (created ? `${name} (new)` : name)).join(', ') || 'none';
}

function few(layers) {
  const shown = layers.slice(0, SHOWN).join(', ');
  return layers.length > SHOWN ? `${shown} and ${layers.length - SHOWN} more` : shown || 'none changed';
}

function print({ revision, change, services, environments, layers, impact, leftover, ignored, warnings }, dryRun) {
  const outcome = dryRun ? 'dry run: nothing was written' : revision ? `revision ${revision}` : change ? `change ${change}, left open` : 'everything was so already';
  const lines = [
    `Imported as ${outcome}.`,
    `  services      ${names(services)}`,
    `  environments  ${names(environments)}`,
    `  layers        ${few(layers.map(({ service, environment, version }) => `${service}@${environment} v${version}`))}`,
    `  impact        ${impact.length} effective configs, ${impact.reduce((sum, { instances }) => sum + instances, 0)} connected instances`,
    ...ignored.map((file) => `  ignored       ${file.path}: ${file.reason}`),
    ...leftover.map(({ service, environment }) => `  not in folder ${service}@${environment}`),
    ...warnings.map((warning) => `  warning       ${warning}`),
  ];
  console.log(lines.join('\n').replace('Imported as dry', 'Dry'));
}

async function main() {
  const { values, positionals } = readOptions();
  if (values.help) return void process.stdout.write(USAGE);
  if (positionals.length !== 1) throw new Mistake(`Which folder?\n\n${USAGE}`);
  const token = values.token ?? process.env.TRIMTAB_TOKEN;
  if (!token) throw new Mistake('An administrator token is needed: --token or TRIMTAB_TOKEN. The server shows one at its very first start.');
  const files = readFiles(positionals[0]);
  if (files.length === 0) throw new Mistake(`${positionals[0]} holds no .yml, .yaml, .properties, .json or .toml files.`);
  const body = {
    files,
    commonService: values.common,
    parentEnvironment: values.parent,
    environments: readEnvironments(values.environment),
    services: values.service,
    title: values.title,
    dryRun: values['dry-run'],
    publish: !values.open,
    prune: values.prune,
  };
  print(await send(values.url ?? process.env.TRIMTAB_URL ?? 'http://127.0.0.1:8848', token, body), values['dry-run']);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Mistake)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
