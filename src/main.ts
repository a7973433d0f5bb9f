import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { version } from '../package.json';
import { ensureAdministratorToken } from './access/first-token';
import { announcementOf, edgeAnnouncementOf } from './announcement';
import { createApplication, createEdge } from './application';
import { copyFolderOf } from './copy/copy-folder';
import { DatabaseOpening } from './database/database-opening';
import { EmbeddedPostgres } from './database/embedded-postgres';
import { Feed } from './feed/feed';
import { Shutdown } from './health/shutdown';
import { DomainError } from './kernel/domain-error';
import { offerSetUp } from './people/first-administrator';
import { exitOnDefects, followSignals } from './process-lifetime';
import { loadSettings, SettingsError } from './settings/load-settings';
import type { Settings } from './settings/settings';

/** Every client of a restarted server comes back in the same seconds; those the queue has no room for wait a second each. */
const LISTEN_BACKLOG = 4_096;

const EXIT_FAILURE = 1;
const EXIT_SETTINGS = 2;

/** What is running, so that it can be taken down again from wherever starting has got to. */
interface Running {
  embedded?: EmbeddedPostgres;
  app?: NestFastifyApplication;
}

async function start(settings: Settings, running: Running): Promise<void> {
  if (settings.databaseUrl === undefined) running.embedded = await EmbeddedPostgres.start({ folder: settings.dataFolder });
  const databaseUrl = settings.databaseUrl ?? running.embedded?.url;
  const copy = { ...settings.copy, folder: copyFolderOf(settings) };
  running.app = await createApplication({ ...settings, databaseUrl, copy });
  const port = await listen(running.app, settings);
  // Made only now: what nobody gets to see, because the port was taken, could never be shown again.
  const database = running.app.get(DatabaseOpening);
  const administratorToken = database.isOpen ? await ensureAdministratorToken(database.dataSource) : undefined;
  const setupSecret = database.isOpen ? await offerSetUp(database.dataSource) : undefined;
  process.stdout.write(announcementOf({ version, settings, port, administratorToken, setupSecret }));
}

/** Neither asks for a database nor starts one. */
async function startEdge(settings: Settings, running: Running): Promise<void> {
  running.app = await createEdge({ ...settings, copy: { ...settings.copy, folder: copyFolderOf(settings) } });
  const port = await listen(running.app, settings);
  process.stdout.write(edgeAnnouncementOf({ version, settings, port }));
}

async function stop({ app, embedded }: Running, { feed }: Settings): Promise<void> {
  await app?.get(Shutdown).begin();
  await app?.get(Feed).drain(feed.moveWithinMs);
  await app?.close();
  await embedded?.stop();
}

async function listen(app: NestFastifyApplication, { host, port }: Settings): Promise<number> {
  try {
    await app.listen({ port, host, backlog: LISTEN_BACKLOG });
  } catch (cause) {
    throw explainListen(cause, host, port);
  }
  const address = app.getHttpServer().address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

function explainListen(cause: unknown, host: string, port: number): unknown {
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return new DomainError('unavailable', `Port ${port} of ${host} is taken. Stop the process that uses it, or choose another port with PORT.`, { cause });
    case 'EACCES':
      return new DomainError('unavailable', `Port ${port} may not be opened by this user. Choose one above 1023 with PORT.`, { cause });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new DomainError('unavailable', `${host} is not an address of this machine. Correct TRIMTAB_HOST.`, { cause });
    default:
      return cause;
  }
}

/** One sentence for what the person can mend, everything we know for a defect of ours. */
function report(error: unknown): void {
  if (error instanceof DomainError || error instanceof SettingsError) process.stderr.write(`${error.message}\n`);
  else process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
}

/** Of a process that has started, everything is a line of the log. */
function reportRunning(error: unknown): void {
  new Logger('Process').fatal(error instanceof Error ? error : String(error));
}

async function main(): Promise<void> {
  const running: Running = {};
  const tell = (error: unknown): void => (running.app === undefined ? report(error) : reportRunning(error));
  exitOnDefects(tell);
  let settings: Settings;
  try {
    settings = loadSettings();
  } catch (error) {
    report(error);
    process.exit(EXIT_SETTINGS);
  }
  const started = settings.role === 'edge' ? startEdge(settings, running) : start(settings, running);
  followSignals({
    timeoutMs: settings.shutdownGraceMs + settings.feed.moveWithinMs + settings.shutdownTimeoutMs,
    report: tell,
    // A signal during the start waits for it, so that nothing is left half-way.
    stop: () => started.catch(() => undefined).then(() => stop(running, settings)),
  });
  try {
    await started;
  } catch (error) {
    report(error);
    await stop(running, settings).catch(() => undefined);
    process.exit(EXIT_FAILURE);
  }
}

void main();
