import { z } from 'zod';
import type { ChangeEvent, Config, ConfigPath, ConfigValue, DeepReadonly, JsonValue, UntypedConfig } from '../../src/index.js';
import { connect } from '../../src/index.js';
import { createInMemoryClient } from '../../src/testing.js';

type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
function expectType<Actual>() {
  return { is: <Expected>(..._: Equal<Actual, Expected> extends true ? [] : ['these types differ', Actual]) => undefined };
}

interface AppConfig {
  db: { url: string; pool: { min: number; max: number }; replica?: { url: string } };
  hosts: string[];
  servers: { host: string; port: number }[];
  labels: Record<string, string>;
  since: Date;
  log: 'info' | 'debug';
  nothing: null;
  'example.com': number;
  mode: { kind: 'a'; a: number } | { kind: 'b'; b: string };
}

declare const config: Config<AppConfig>;
declare const untyped: Config<UntypedConfig>;
const options = { url: 'http://x', key: 'k', service: 's', environment: 'e' };

// Values by path.
expectType<ConfigValue<AppConfig, 'db.pool.max'>>().is<number>();
expectType<ConfigValue<AppConfig, 'db.replica.url'>>().is<string | undefined>();
expectType<ConfigValue<AppConfig, 'hosts.0'>>().is<string | undefined>();
expectType<ConfigValue<AppConfig, 'servers.1.port'>>().is<number | undefined>();
expectType<ConfigValue<AppConfig, 'labels.team'>>().is<string | undefined>();
expectType<ConfigValue<AppConfig, 'since'>>().is<Date>();
expectType<ConfigValue<AppConfig, 'log'>>().is<'info' | 'debug'>();
expectType<ConfigValue<AppConfig, 'mode.kind'>>().is<'a' | 'b'>();
expectType<ConfigValue<AppConfig, 'mode.a'>>().is<number | undefined>();
expectType<ConfigValue<AppConfig, '/example.com'>>().is<unknown>();
expectType<ConfigValue<AppConfig, 'db.pool'>>().is<{ readonly min: number; readonly max: number }>();

const max: number = config.get('db.pool.max');
const pool: DeepReadonly<AppConfig['db']['pool']> = config.get('db.pool');
config.get('/example.com');
config.get(['example.com']);
// @ts-expect-error no such path
config.get('db.pool.maximum');
// @ts-expect-error paths do not lead into strings
config.get('db.url.length');
// @ts-expect-error a key that holds a dot takes a pointer
config.get('example.com');
// @ts-expect-error frozen
pool.max = 1;
// @ts-expect-error frozen, the whole way down
config.snapshot().db.pool.max = 1;
// @ts-expect-error an array of the config cannot be changed
config.snapshot().hosts.push('x');
// @ts-expect-error possibly not there
const replica: string = config.get('db.replica.url');

const paths: ConfigPath<AppConfig>[] = ['db', 'db.pool.min', 'servers.0', 'labels.any', 'since', '/a/b'];
const document: unknown = config.snapshot('logback.xml');

config.watch('db.pool', ({ previous, next, changedPaths }) => {
  const numbers: number[] = [previous.max, next.max];
  const texts: readonly string[] = changedPaths;
  return [numbers, texts];
});
config.value('log').watch(({ next }: ChangeEvent<'info' | 'debug'>) => next);
const live: number = config.value('db.pool.max').current;
// @ts-expect-error no such path
config.watch('nope', () => undefined);

const handle = config.resource('db.pool', {
  prepare: async (next, { revision, signal }) => ({ size: next.max + revision, aborted: signal.aborted }),
  commit: (resource, previous) => [resource.size, previous?.size],
  dispose: (previous) => void previous.size,
});
const size: Promise<number> = handle.then(({ current }) => current.size);
const pinned: Promise<string> = config.runPinned(async () => 'x');
config.on('refused', ({ stage, reason, revision }) => [stage === 'validate', reason.length, revision + 1]);
// @ts-expect-error no such event
config.on('nope', () => undefined);

// Without a type any path goes, and what is there is unknown.
const anything: unknown = untyped.get('a.b.c');
const whole: JsonValue | undefined = untyped.snapshot().a;

// A schema's output is the config's type, defaults and transformations included.
const schema = z.object({ port: z.number().default(80), hosts: z.string().transform((text) => text.split(',')) });
void connect({ ...options, schema }).then((typed) => {
  const port: number = typed.get('port');
  const hosts: readonly string[] = typed.get('hosts');
  // @ts-expect-error not what the schema makes of it
  const text: string = typed.get('hosts');
  return [port, hosts, text];
});
void connect<AppConfig>(options).then((typed) => typed.get('db.pool.max').toFixed());
void connect(options).then((plain) => plain.get('any.path.at.all'));
// @ts-expect-error the key is missing
void connect({ url: 'http://x', service: 's', environment: 'e' });
void createInMemoryClient({ port: 1, hosts: 'a' }, { schema }).then(async (typed) => [typed.get('port').toFixed(), await typed.publish({})]);

export { anything, document, live, max, paths, pinned, replica, size, whole };
