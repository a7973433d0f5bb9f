export interface Mutation {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** The spec that has to fail. */
  readonly spec: string;
}

export const MUTATIONS: Readonly<Record<string, Mutation>>;
