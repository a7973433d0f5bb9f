import { setTimeout as sleep } from 'node:timers/promises';
import { layerPath, type Answer } from '../support/api';
import { INCLUDES, LAYERS } from './catalog';
import type { Publish } from './history';
import type { Random } from './random';

/** How a publisher reaches the servers: one of those that take publishes, at random. */
export interface PublishDoor {
  request(server: number, method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  readonly servers: number;
  nameOf(server: number): string;
}

export interface PublisherOptions {
  readonly name: string;
  readonly random: Random;
  readonly door: PublishDoor;
  /** The next number to be written, different each time. */
  readonly nextNumber: () => number;
  readonly record: (publish: Publish) => void;
  /** The newest revision anybody was told of: what a pin or a rollback may name. */
  readonly newestKnown: () => number;
}

interface Attempt {
  readonly action: Publish['action'];
  readonly n?: number;
  readonly layers: readonly string[];
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const RETRY_MS = 50;
/** After this long without an answer that says what became of it, nobody will ever say. */
const GIVE_UP_MS = 4_000;
const INCLUDERS = Object.keys(INCLUDES);

/**
 * Publishes without a rest: changes over several layers at once, single writes, pins, rollbacks. Each is asked for with
 * one Idempotency-Key, of one server after another, until somebody says what became of it.
 */
export class Publisher {
  private readonly versions = new Map<string, number>();
  private count = 0;

  constructor(private readonly options: PublisherOptions) {}

  async run(stopped: AbortSignal): Promise<void> {
    const { random } = this.options;
    while (!stopped.aborted) {
      await this.publishOnce(stopped).catch(() => sleep(RETRY_MS));
      // The pace of the load, by the seed; no check depends on it.
      await sleep(random.between(10, 120));
    }
  }

  /** Writes one new number to every layer, so that every target changes. */
  async publishEverywhere(server: number): Promise<Publish> {
    const attempt = await this.change(LAYERS, this.options.nextNumber(), server);
    return this.send(attempt, server, AbortSignal.timeout(20_000));
  }

  private async publishOnce(stopped: AbortSignal): Promise<void> {
    const { random, door } = this.options;
    const server = random.below(door.servers);
    await this.send(await this.choose(server), server, stopped);
  }

  private async choose(server: number): Promise<Attempt> {
    const { random, nextNumber, newestKnown } = this.options;
    const what = random.next();
    if (what < 0.55) return this.change(random.shuffled(LAYERS).slice(0, 2 + random.below(LAYERS.length - 1)), nextNumber(), server);
    if (what < 0.78) {
      const layer = random.pick(LAYERS);
      const n = nextNumber();
      return { action: 'write', n, layers: [layer], method: 'PUT', path: `${layerPath(layer)}/documents/application`, body: content(layer, n), headers: JSON_TYPE };
    }
    if (what < 0.86) {
      const service = random.pick(INCLUDERS);
      const layer = `${service}@${random.pick(['base', 'production'])}`;
      const pinned = random.next() < 0.6 && newestKnown() > 0;
      const includes = INCLUDES[service]!.map((name, index) => ({ service: name, ...(pinned && index === 0 ? { revision: 1 + random.below(newestKnown()) } : {}) }));
      return { action: 'pin', layers: [layer], method: 'PUT', path: `${layerPath(layer)}/includes`, body: { includes } };
    }
    if (what < 0.94 || newestKnown() < 5) {
      const layer = random.pick([...this.versions.keys(), LAYERS[0]]);
      const version = 1 + random.below(this.versions.get(layer) ?? 1);
      return { action: 'rollback-layer', layers: [layer], method: 'POST', path: `${layerPath(layer)}/rollback`, body: { version } };
    }
    const revision = Math.max(2, newestKnown() - random.below(3));
    return { action: 'rollback-revision', layers: [], method: 'POST', path: `/api/v1/revisions/${revision}/rollback`, body: {} };
  }

  /** A change that is open and edited, and only has to be published. */
  private async change(layers: readonly string[], n: number, server: number): Promise<Attempt> {
    const { door } = this.options;
    const created = await door.request(server, 'POST', '/api/v1/changes', { title: `n = ${n}` });
    if (created.status >= 300) throw new Error(created.text);
    const place = `/api/v1/changes/${created.json.id as number}`;
    for (const layer of layers) {
      const edited = await door.request(server, 'PUT', `${place}${layerPath(layer).replace('/api/v1', '')}/documents/application`, content(layer, n), JSON_TYPE);
      if (edited.status >= 300) throw new Error(edited.text);
    }
    return { action: 'change', n, layers, method: 'POST', path: `${place}/publish` };
  }

  private async send(attempt: Attempt, first: number, stopped: AbortSignal): Promise<Publish> {
    const { door, name, random, record } = this.options;
    const sentAt = performance.now();
    const key = `${name}-${(this.count += 1)}`;
    let server = first;
    let detail = 'no answer';
    const publish = (outcome: Publish['outcome'], more: Partial<Publish> = {}): Publish => {
      const { action, n, layers } = attempt;
      const made: Publish = {
        publisher: name, action, ...(n === undefined ? {} : { n }), layers, outcome, server: door.nameOf(server), sentAt, at: performance.now(), ...more,
      };
      record(made);
      return made;
    };
    while (performance.now() - sentAt < GIVE_UP_MS && !stopped.aborted) {
      const answer = await door.request(server, attempt.method, attempt.path, attempt.body, { ...attempt.headers, 'idempotency-key': key }).catch((error: Error) => error);
      if (answer instanceof Error) detail = answer.message;
      else if (answer.status < 300) return publish('acknowledged', this.understood(answer));
      else if (answer.status < 500 && answer.status !== 429 && answer.json?.code !== 'idempotency_in_progress') {
        return publish('refused', { detail: `${answer.status} ${answer.json?.code as string}` });
      } else detail = `${answer.status} ${answer.json?.code as string}`;
      await sleep(RETRY_MS);
      server = random.below(door.servers);
    }
    return publish('unknown', { detail });
  }

  private understood({ json }: Answer): Partial<Publish> {
    const { revision, layers } = json as { revision?: number; layers: { service: string; environment: string; version: number }[] };
    const versions = Object.fromEntries(layers.map(({ service, environment, version }) => [`${service}@${environment}`, version]));
    for (const [layer, version] of Object.entries(versions)) this.versions.set(layer, version);
    return { ...(revision === undefined ? {} : { revision }), versions };
  }
}

function content(layer: string, n: number): string {
  return JSON.stringify({ [layer]: n });
}
