import { readFile } from 'node:fs/promises';
import type { Candidate } from './applied-snapshot.js';
import { etagOf } from './canonical-json.js';
import type { ConnectSettings } from './connect-options.js';
import { messageOf } from './errors.js';
import type { Follower } from './follower.js';
import type { JsonValue } from './protocol.js';

/** A place other than the server to start from; `load` throws, with the reason, when there is nothing to be had. */
interface StartSource {
  readonly name: 'disk' | 'bootstrap' | 'defaults';
  load(): Promise<Candidate>;
}

/**
 * Resolves when the server's config is in use, or when there is no point in waiting for it any longer: it rejects this
 * client, what it sent was refused, or the time is up. The text says which.
 */
export function serverStart(follower: Follower, timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    let last = 'not reached';
    const finish = (result: string) => {
      clearTimeout(timer);
      for (const stop of stops) stop();
      resolve(result);
    };
    const timer = setTimeout(() => finish(`no config within ${timeoutMs} ms (${last})`), timeoutMs);
    const stops = [
      follower.events.on('applied', () => finish('applied')),
      follower.events.on('refused', ({ revision, reason }) => finish(`revision ${revision} was refused: ${reason}`)),
      follower.events.on('state', ({ next, reason }) => {
        last = reason;
        if (next === 'rejected' || next === 'closed') finish(reason);
      }),
    ];
  });
}

/** The other sources in their order: strongest first. */
export function sourcesOf(settings: ConnectSettings, saved: Candidate | undefined, diskError: string | undefined): StartSource[] {
  const { diskPath, bootstrapFile, defaults, mainName } = settings;
  const missing = (reason: string): never => {
    throw new Error(reason);
  };
  const fromDisk = async () => saved ?? missing(diskError ?? (diskPath === undefined ? 'switched off' : `nothing at ${diskPath}`));
  const fromFile = async () => local(await readJson(bootstrapFile ?? missing('no file was named')), 'bootstrap', mainName);
  const fromDefaults = async () => local(defaults ?? missing('there are none'), 'defaults', mainName);
  return [
    { name: 'disk', load: fromDisk },
    { name: 'bootstrap', load: fromFile },
    { name: 'defaults', load: fromDefaults },
  ];
}

/** Tries one source after the other until there is a config; returns what was wrong with those that failed. */
export async function startWithout(follower: Follower, sources: readonly StartSource[]): Promise<string[]> {
  const troubles: string[] = [];
  for (const { name, load } of sources) {
    try {
      const outcome = await follower.offer(await load());
      // Or the server has come first after all.
      if (follower.facts.ready.value) break;
      troubles.push(`${name}: ${outcome.state === 'refused' ? outcome.refusal.reason : outcome.state}`);
    } catch (error) {
      troubles.push(`${name}: ${messageOf(error)}`);
    }
  }
  return troubles;
}

function local(value: JsonValue, source: 'bootstrap' | 'defaults', mainName: string): Candidate {
  // A copy, because the snapshot will be frozen and the value is the caller's.
  const documents = { [mainName]: { format: 'json' as const, value: JSON.parse(JSON.stringify(value)) as JsonValue } };
  return { revision: 0, etag: etagOf(documents), source, layers: [], documents };
}

async function readJson(path: string): Promise<JsonValue> {
  const text = await readFile(path, 'utf8');
  return JSON.parse(text.replace(/^\uFEFF/, '')) as JsonValue;
}
