import type { AppliedSnapshot } from './applied-snapshot.js';
import type { Config, LiveValue } from './config.js';
import type { ConfigEvents } from './events.js';
import type { Follower } from './follower.js';
import { Pins } from './pins.js';
import { readPath } from './read-path.js';
import type { ResourceHandle, ResourceHooks } from './resource.js';
import type { ConfigStatus } from './status.js';
import type { ChangeEvent } from './watchers.js';

/** The {@link Config} that a service holds: reads what its follower has applied. */
export class ConfigClient<T> implements Config<T> {
  // The main document and its values by path, straight from the snapshot in use: the two fields that make reading
  // fast. Unset while somebody may be pinned to another snapshot; then reading takes the long way. They are plain
  // fields, first assigned when there is something to assign, because the compiler of Node.js 20 takes twice as long
  // to read a `#private` one, and knows the shape of what a field holds only while it has never held anything else.
  declare private main: unknown;
  declare private paths: Map<string, unknown> | undefined;

  readonly #follower: Follower;
  readonly #pins = new Pins(() => this.#show(this.#follower.applied));

  constructor(follower: Follower) {
    this.#follower = follower;
    follower.serve({
      swapped: (previous, next) => {
        if (previous === undefined) return this.#begin(next);
        this.#pins.retire(previous);
        this.#show(next);
      },
      outside: (tell) => this.#pins.outside(tell),
    });
  }

  // The overloads of Config say what the type of a value is; to the implementation it is anything.
  get(path: string | readonly string[]): never {
    const found = this.paths?.get(path as string);
    return (found !== undefined ? found : this.#read(path)) as never;
  }

  snapshot(document?: string): never {
    const { main } = this;
    if (main !== undefined && document === undefined) return main as never;
    return this.#seen().document(document ?? this.#follower.mainName) as never;
  }

  value(path: string): LiveValue<never> {
    const read = () => this.get(path);
    return {
      get current() {
        return read();
      },
      watch: (listener) => this.watch(path, listener),
    };
  }

  watch(path: string, listener: (event: ChangeEvent<never>) => unknown): () => void {
    return this.#follower.watchers.add(this.#follower.mainName, path, listener as (event: ChangeEvent) => unknown);
  }

  watchDocument(document: string, listener: (event: ChangeEvent) => unknown): () => void {
    return this.#follower.watchers.add(document, [], listener);
  }

  runPinned<R>(fn: () => R): R {
    return this.#pins.run(this.#follower.applied, fn);
  }

  resource<R>(path: string, hooks: ResourceHooks<never, R>): Promise<ResourceHandle<R>> {
    return this.#follower.resource(path, hooks as ResourceHooks<unknown, unknown>) as Promise<ResourceHandle<R>>;
  }

  on<E extends keyof ConfigEvents>(event: E, listener: (event: ConfigEvents[E]) => unknown): () => void {
    return this.#follower.events.on(event, listener);
  }

  get ready(): boolean {
    return this.#follower.facts.ready.value;
  }

  get synced(): boolean {
    return this.#follower.facts.synced.value;
  }

  get stale(): boolean {
    return this.#follower.facts.stale.value;
  }

  status(): ConfigStatus {
    return this.#follower.status();
  }

  close(): Promise<void> {
    return this.#follower.close();
  }

  #read(path: string | readonly string[]): unknown {
    const snapshot = this.#seen();
    return typeof path === 'string' ? snapshot.read(path) : readPath(snapshot.main, path);
  }

  #seen(): AppliedSnapshot {
    return (this.#pins.active ? this.#pins.current : undefined) ?? this.#follower.applied;
  }

  // Not enumerable, because configs hold secrets and somebody will log this object.
  #begin({ main, paths }: AppliedSnapshot): void {
    Object.defineProperty(this, 'main', { value: main, writable: true });
    Object.defineProperty(this, 'paths', { value: paths, writable: true });
  }

  #show(snapshot: AppliedSnapshot): void {
    const shown = this.#pins.active ? undefined : snapshot;
    this.main = shown?.main;
    this.paths = shown?.paths;
  }
}
