export interface ProcessMutation {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutation extends ProcessMutation {
  /** The spec that has to fail. */
  readonly spec: string;
  /** Its tests whose name matches this; all when absent. */
  readonly only?: string;
}

export const MUTATIONS: Readonly<Record<string, Mutation>>;
export const PROCESS_MUTATIONS: Readonly<Record<string, ProcessMutation>>;
