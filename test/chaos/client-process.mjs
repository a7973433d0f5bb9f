// A service that uses the client library, in a process of its own, so that it can be killed and paused. It is told what
// to follow in TRIMTAB_CHAOS_CLIENT, and says on its standard output, a JSON line each, what it sees. It ends when its
// standard input does: with whoever started it.
import { connect, silentLogger } from '@trimtab/client';
import { readFileSync } from 'node:fs';

const { keyFile, ...options } = JSON.parse(process.env.TRIMTAB_CHAOS_CLIENT);

/** On the clock that all processes of a machine share, and that nobody sets. */
const say = (event) => process.stdout.write(`${JSON.stringify({ monotonicMs: Number(process.hrtime.bigint()) / 1e6, ...event })}\n`);

process.stdin.resume().on('end', () => process.exit(0));

const config = await connect({ ...options, key: () => readFileSync(keyFile, 'utf8'), logger: silentLogger });
const { revision, etag, source } = config.status();
say(source === 'disk' ? { type: 'restored', revision, etag } : { type: 'applied', how: 'snapshot', revision, etag });
config.on('applied', ({ revision, etag }) => say({ type: 'applied', how: 'snapshot', revision, etag }));
config.on('state', ({ previous, next }) => {
  const { knownRevision, etag } = config.status();
  if (next === 'subscribing') say({ type: 'connected', revision: knownRevision, etag });
  else if (['live', 'subscribing'].includes(previous) && next !== 'live') say({ type: 'lost' });
});
