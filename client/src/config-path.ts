import type { JsonValue } from './canonical-json.js';

/** What a config is when neither a type nor a schema says more: any JSON object. */
export type UntypedConfig = { readonly [key: string]: JsonValue };

// Values that are read as a whole; a path never leads into them.
type Leaf =
  | string
  | number
  | boolean
  | bigint
  | symbol
  | null
  | undefined
  | Date
  | RegExp
  | URL
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ((...args: never[]) => unknown);

// Paths are spelled out eight levels deep; below that any string is accepted. Unbounded recursion would make the
// compiler give up on recursive types.
type Deeper = [never, 0, 1, 2, 3, 4, 5, 6, 7];

type PathsOf<T, D extends number> = T extends Leaf
  ? never
  : D extends 0
    ? string
    : T extends readonly (infer Item)[]
      ? `${number}` | `${number}.${PathsOf<Item, Deeper[D]>}`
      : { [K in keyof T & string]: K extends `${string}.${string}` ? never : K | `${K}.${PathsOf<T[K], Deeper[D]>}` }[keyof T & string];

/**
 * The paths that can be read from a config of type `T`: dotted (`db.pool.max`, `hosts.0`), or, for keys that hold a
 * dot themselves, an RFC 6901 pointer (`/logging/com.example`), whose value is then not typed.
 *
 * @example
 * type P = ConfigPath<{ db: { pool: { max: number } } }>; // 'db' | 'db.pool' | 'db.pool.max' | `/${string}`
 */
export type ConfigPath<T> = string extends keyof T ? string : PathsOf<T, 8> | `/${string}`;

type Member<T, K extends string> = T extends Leaf
  ? undefined
  : T extends readonly (infer Item)[]
    ? K extends `${number}`
      ? Item | undefined
      : undefined
    : K extends keyof T
      ? string extends keyof T
        ? T[K] | undefined
        : T[K]
      : undefined;

type ValueAt<T, P extends string> = P extends `${infer Head}.${infer Rest}` ? ValueAt<Member<T, Head>, Rest> : Member<T, P>;

/**
 * The type of the value at a {@link ConfigPath}; `undefined` is part of it wherever something on the way may be
 * missing.
 *
 * @example
 * type V = ConfigValue<{ db?: { max: number } }, 'db.max'>; // number | undefined
 */
export type ConfigValue<T, P extends string> = string extends P
  ? unknown
  : P extends `/${string}`
    ? unknown
    : DeepReadonly<ValueAt<T, P>>;

/** `T` with every member read-only at every depth: what a snapshot is at run time, too. */
export type DeepReadonly<T> = unknown extends T
  ? T
  : T extends Leaf
    ? T
    : T extends readonly (infer Item)[]
      ? readonly DeepReadonly<Item>[]
      : { readonly [K in keyof T]: DeepReadonly<T[K]> };
