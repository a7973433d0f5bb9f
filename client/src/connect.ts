import { ConfigClient } from './config-client.js';
import type { Config } from './config.js';
import type { UntypedConfig } from './config-path.js';
import { settingsOf, type ConnectOptions } from './connect-options.js';
import { Connection } from './connection.js';
import { DiskSnapshot } from './disk-snapshot.js';
import { TrimtabError } from './errors.js';
import { Follower } from './follower.js';
import { PROTOCOL_VERSION, type Handshake } from './protocol.js';
import { serverStart, sourcesOf, startWithout } from './start.js';

/**
 * Connects a service to its config and resolves as soon as there is one to read: the server's, when it answers within
 * `startTimeoutMs`; else the last good snapshot on disk; else the bootstrap file; else the defaults. Each must pass the
 * schema. Whatever it started from, the client keeps trying to reach the server until `close()`.
 *
 * While it is connected, the socket keeps the process alive, until `close()`; while it is not, nothing of it does.
 *
 * @throws TrimtabError `invalid_options` for options that cannot be right; `not_started` when no source had a config
 * that could be applied, with what was wrong with each of them. Nothing is left open then.
 *
 * @example
 * const config = await connect({
 *   url: 'https://config.example.com',
 *   key: process.env.TRIMTAB_KEY,
 *   service: 'orders',
 *   environment: 'production',
 *   schema: z.object({ db: z.object({ pool: z.object({ max: z.number().int().default(10) }) }) }),
 * });
 * config.get('db.pool.max'); // number
 */
export async function connect<T = UntypedConfig>(options: ConnectOptions<T>): Promise<Config<T>> {
  const settings = settingsOf(options);
  const { diskPath, diskKey, logger, target, instance, url, times, key } = settings;
  const disk = diskPath === undefined ? undefined : new DiskSnapshot(diskPath, target, logger, diskKey);
  const follower = new Follower({ ...settings, instanceId: instance.id, ...(disk && { disk }) });
  const config = new ConfigClient<T>(follower);
  const saved = await disk?.load();
  if (saved !== undefined) follower.hold(saved);
  const handshake = async (): Promise<Handshake> => {
    const secret = await key();
    const since = follower.position();
    return { protocol: PROTOCOL_VERSION, key: secret, ...target, instance, ...(since && { since }) };
  };
  const connection = new Connection({
    url,
    times,
    logger,
    random: Math.random,
    handshake,
    position: () => follower.position(),
    onMessage: (message) => follower.receive(message),
    settled: () => follower.settled(),
    onState: (state, reason) => follower.connectionChanged(state, reason),
  });
  follower.attach(connection);
  const first = serverStart(follower, settings.startTimeoutMs);
  connection.open();
  const troubles = [`server: ${await first}`];
  if (!config.ready) troubles.push(...(await startWithout(follower, sourcesOf(settings, saved, disk?.status.error))));
  if (!config.ready) {
    await follower.close();
    throw new TrimtabError('not_started', `There is no config to start with. ${troubles.join('; ')}.`);
  }
  const { source } = follower.status();
  if (source !== 'server') logger.warn(`Started from ${source}: ${troubles.join('; ')}.`);
  return config;
}
