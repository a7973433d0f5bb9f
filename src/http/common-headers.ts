import type { Settings } from '../settings/settings';

/** What no answer of ours ever is: guessed at, a page that loads something or is framed, or part of another page. */
const FOR_DATA = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
};

/** What means something to a browser that shows a page; and old ones. */
const FOR_PAGES = {
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** A year, as browsers' lists of such hosts ask for; of other hosts below this one we know nothing. */
const TRANSPORT_SECURITY = 'max-age=31536000';

/** The headers that answers have, whoever writes them. Made once: an answer costs no more than writing them. */
export interface CommonHeaders {
  readonly fixed: Readonly<Record<string, string>>;
  /**
   * Of these, what counts for data at hand, as names and values in turn, the form that costs Node least. Each header is
   * one hundredth of what such an answer costs.
   */
  readonly dataPairs: readonly string[];
}

export function commonHeaders({ publicUrl }: Pick<Settings, 'publicUrl'>): CommonHeaders {
  const isSecure = publicUrl?.startsWith('https:') === true;
  const forData = { ...FOR_DATA, ...(isSecure ? { 'strict-transport-security': TRANSPORT_SECURITY } : {}) };
  return { fixed: Object.freeze({ ...forData, ...FOR_PAGES }), dataPairs: Object.freeze(Object.entries(forData).flat()) };
}
