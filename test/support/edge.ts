import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createEdge } from '../../src/application';
import { defaultSettings, type SettingsOverrides } from '../../src/settings/default-settings';
import { eventually } from './eventually';
import { opened } from './open-resources';

/** An edge inside the test's process, on a port of its own. */
export interface TestEdge {
  readonly url: string;
  readonly app: NestFastifyApplication;
  close(): Promise<void>;
}

export async function startEdge(natsUrl: string, overrides: SettingsOverrides = {}): Promise<TestEdge> {
  const { nats, ...others } = overrides;
  const app = await createEdge(defaultSettings({ logLevel: 'silent', role: 'edge', ...others, nats: { url: natsUrl, ...nats } }));
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const closed = opened(`edge on ${url}`);
  const close = async (): Promise<void> => {
    await app.close();
    closed();
  };
  return { url, app, close };
}

/** What the health page of an edge says. */
export async function edgeChecks(url: string): Promise<{ nats: string; following: boolean; position: number | null }> {
  const { checks } = (await (await fetch(`${url}/health/ready`)).json()) as { checks: { nats: string; following: boolean; position: number | null } };
  return checks;
}

/** Waits until the edge serves what it is at `revision`. */
export async function edgeReaches(url: string, revision: number, timeoutMs = 10_000): Promise<void> {
  await eventually(async () => expect((await edgeChecks(url)).position ?? -1).toBeGreaterThanOrEqual(revision), { timeoutMs });
}
