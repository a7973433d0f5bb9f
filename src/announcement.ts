import path from 'node:path';
import { shownServers } from './nats/servers';
import type { Settings } from './settings/settings';

export interface Announcement {
  readonly version: string;
  readonly settings: Settings;
  /** The port that was really taken. */
  readonly port: number;
  /** Only at the very first start. */
  readonly administratorToken: string | undefined;
  /** As long as no person was ever an administrator. */
  readonly setupSecret: string | undefined;
}

/** What a person who has just started the server wants to know. */
export function announcementOf({ version, settings, port, administratorToken, setupSecret }: Announcement): string {
  const base = `http://${reachableHost(settings.host)}:${port}`;
  const lines = [
    `Trimtab ${version} is running.`,
    '',
    `  API            ${base}/api/v1`,
    `  Documentation  ${base}/docs (any user name, a token as password), ${base}/openapi.json`,
    `  Health         ${base}/health/ready`,
    `  Database       ${settings.databaseUrl === undefined ? `embedded Postgres in ${path.resolve(settings.dataFolder)}` : 'DATABASE_URL'}`,
  ];
  if (administratorToken !== undefined) {
    lines.push('', `  Administrator token, shown only this once: ${administratorToken}`);
  }
  if (setupSecret !== undefined) {
    const address = settings.publicUrl ?? base;
    lines.push(
      '',
      `  First administrator, once and within an hour: ${address}/#setup=${setupSecret}`,
      `  Or: curl ${address}/api/v1/setup -H 'Content-Type: application/json' \\`,
      `        -d '{"secret":"${setupSecret}","login":"you@example.com","name":"Your name","password":"at least 15 characters"}'`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** The same for an edge, which has no API of its own and no administrator. */
export function edgeAnnouncementOf({ version, settings, port }: Omit<Announcement, 'administratorToken' | 'setupSecret'>): string {
  const base = `http://${reachableHost(settings.host)}:${port}`;
  const lines = [
    `Trimtab ${version} is running as an edge.`,
    '',
    `  Configs        ${base}/v1/config`,
    `  Health         ${base}/health/ready`,
    `  NATS           ${shownServers(settings.nats.url ?? '')}, bucket ${settings.nats.bucket}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** An address to listen on is not always one to connect to. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
