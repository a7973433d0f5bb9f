// Checks an export of the audit without the server: npm run audit:verify -- <file.jsonl> [--anchor …] [--filtered] [--help]
import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const { ChainCheck } = createRequire(import.meta.url)('../dist/audit/chain-check.js');

const USAGE = `npm run audit:verify -- <file.jsonl> [options]

  <file.jsonl>                 from GET /api/v1/audit/export; - reads standard input
  --anchor <position>:<hash>   a head that was answered, logged or exported earlier
  --after <position>:<hash>    the end of the export before, which this one goes on from
  --filtered                   the export was filtered: positions may be left out

Ends with 0 when every line is right, with 1 when one is not, with 2 when it could not be checked.
`;
const HASH = /^[0-9a-f]{64}$/;

class Mistake extends Error {}

function readOptions() {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  try {
    return parseArgs({ allowPositionals: true, options: { anchor: text, after: text, filtered: flag, help: flag } });
  } catch (error) {
    throw new Mistake(`${error.message}\n\n${USAGE}`);
  }
}

function anchorOf(name, text) {
  if (text === undefined) return undefined;
  const [, position, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (hash === undefined) throw new Mistake(`--${name} ${text}: write it as a position, a colon and the 64 hexadecimal digits of its hash.`);
  return { position: Number(position), hash };
}

/** The line as a record; undefined when it is none. */
function readLine(text) {
  try {
    const line = JSON.parse(text);
    return Number.isSafeInteger(line?.position) && HASH.test(line.previous) && HASH.test(line.hash) ? line : undefined;
  } catch {
    return undefined;
  }
}

async function check(file, options) {
  const check = new ChainCheck(options);
  const input = file === '-' ? process.stdin : createReadStream(file);
  const lines = createInterface({ input, crlfDelay: Infinity });
  let count = 0;
  let first;
  try {
    for await (const text of lines) {
      count += 1;
      const line = readLine(text);
      const detail = line === undefined ? 'It is not a whole line of an export.' : check.add(line, line)?.detail;
      if (detail !== undefined) return { count, fault: `line ${count}: ${detail}` };
      first ??= line;
    }
  } catch (error) {
    throw new Mistake(`${file} cannot be read: ${error.message}`);
  } finally {
    lines.close();
    input.destroy();
  }
  const fault = check.end()?.detail;
  return { count, fault: fault && `after line ${count}: ${fault}`, first, head: check.head };
}

async function main() {
  const { values, positionals } = readOptions();
  if (values.help) return void process.stdout.write(USAGE);
  if (positionals.length !== 1) throw new Mistake(`Which file?\n\n${USAGE}`);
  const anchor = anchorOf('anchor', values.anchor);
  const { count, fault, first, head } = await check(positionals[0], { after: anchorOf('after', values.after), anchor, gaps: values.filtered });
  if (fault !== undefined) {
    process.stderr.write(`Not what was written. ${fault[0].toUpperCase()}${fault.slice(1)}\n`);
    process.exitCode = 1;
    return;
  }
  if (first === undefined) return void process.stdout.write('There is no record in it.\n');
  process.stdout.write(`${count} records are right, from position ${first.position} to ${head.position}. The last one has the hash\n${head.hash}\n`);
  if (first.position > 1 && values.after === undefined && !values.filtered) {
    process.stdout.write(`What came before position ${first.position} is not in the file: --after says what it has to follow from.\n`);
  }
  if (anchor !== undefined && (anchor.position < first.position || values.filtered)) process.stdout.write('The anchor was only compared if its position is among them.\n');
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Mistake)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
