/** What an edge asks of a replica, any of them, because it cannot write to Postgres itself. */
export const EDGE_VERBS = ['register', 'renew', 'end', 'write', 'complete'] as const;
export type EdgeVerb = (typeof EDGE_VERBS)[number];

/** Edges of one bucket belong to one control plane. */
export function edgeSubject(bucket: string, verb: EdgeVerb): string {
  return `trimtab.${bucket}.edges.${verb}`;
}

/** The answer: what the call gave, or that it failed. */
export type EdgeAnswer = { readonly result?: unknown } | { readonly failure: string };
