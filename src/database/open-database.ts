import type { DataSource } from 'typeorm';
import { DomainError } from '../kernel/domain-error';
import { createDataSource, type DatabaseSettings } from './data-source';
import { migrate } from './migrate';

/** Older versions lack what the migrations and queries use. */
const OLDEST_VERSION = 15;

/** Codes of what may pass without anybody doing something to the settings or the rights. */
const PASSING = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', '57P01', '57P02', '57P03', '53300', '57014']);
const PASSING_MESSAGE = /timeout|terminated|closed the connection|Connection ended/i;

/** Why the database cannot be used, in one sentence. */
export class OpenFailure extends DomainError {
  constructor(
    detail: string,
    /** It may be another a moment later. */
    readonly passes: boolean,
    cause?: unknown,
  ) {
    super('unavailable', detail, { cause });
  }
}

/** Connects, makes sure that the server is new enough, and brings the schema up to date. */
export async function openDatabase(settings: DatabaseSettings): Promise<DataSource> {
  const dataSource = createDataSource(settings);
  try {
    await dataSource.initialize();
    await checkVersion(dataSource);
    await migrate(dataSource);
    return dataSource;
  } catch (error) {
    if (dataSource.isInitialized) await dataSource.destroy().catch(() => undefined);
    throw error instanceof DomainError ? error : explain(error, settings);
  }
}

async function checkVersion(dataSource: DataSource): Promise<void> {
  const [row] = await dataSource.query<{ version: string }[]>("SELECT current_setting('server_version_num') AS version");
  const version = Math.floor(Number(row?.version) / 10_000);
  if (version >= OLDEST_VERSION) return;
  throw new OpenFailure(`Trimtab needs Postgres ${OLDEST_VERSION} or newer; the server at DATABASE_URL is ${version}.`, false);
}

/** One sentence that says what to do, without the password. */
function explain(cause: unknown, { databaseUrl, database }: DatabaseSettings): OpenFailure {
  const { code, message = String(cause) } = cause as { code?: string; message?: string };
  const passes = code === undefined ? PASSING_MESSAGE.test(message) : PASSING.has(code);
  return new OpenFailure(sentence(code, message, placeOf(databaseUrl), database.connectTimeoutMs), passes, cause);
}

function sentence(code: string | undefined, message: string, place: string, timeoutMs: number): string {
  switch (code) {
    case 'ECONNREFUSED':
      return `No Postgres answers at ${place}. Start it, or correct DATABASE_URL.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host of ${place} cannot be found. Correct DATABASE_URL.`;
    case 'ENOENT':
      return `There is no Postgres socket for ${place}. Start Postgres, or correct DATABASE_URL.`;
    case '28P01':
    case '28000':
      return `Postgres at ${place} refuses the user or the password. Correct DATABASE_URL.`;
    case '3D000':
      return `There is no such database at ${place}. Create it, or correct DATABASE_URL.`;
    case '42501':
      return `The user of DATABASE_URL may not do what is needed at ${place}: ${message}.`;
    case '53300':
      return `Postgres at ${place} has no connection left. Raise its max_connections, or lower TRIMTAB_DATABASE_POOL_SIZE.`;
    case '57P03':
      return `Postgres at ${place} is starting or stopping. Try again in a moment.`;
    default:
      if (/timeout/i.test(message)) return `Postgres at ${place} did not answer within ${timeoutMs} ms. Check the address and the network.`;
      return `The database at ${place} cannot be used: ${message}.`;
  }
}

function placeOf(url = ''): string {
  const [, host = '', database = ''] = /^[a-z]+:\/\/(?:[^@/]*@)?([^/?]*)\/?([^?]*)/.exec(url) ?? [];
  return `${host === '' ? 'the local socket' : host}/${database}`;
}
