import type { Settings } from '../settings/settings';

/** What no answer of ours ever is: framed, guessed at, looked at by other pages, or a page that loads something. */
const FIXED = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** A year, as browsers' lists of such hosts ask for; of other hosts below this one we know nothing. */
const TRANSPORT_SECURITY = 'max-age=31536000';

/** The headers that every answer has, whoever writes it. Made once: an answer costs no more than writing them. */
export interface CommonHeaders {
  readonly fixed: Readonly<Record<string, string>>;
  /** The same as names and values in turn, the form that costs Node least. */
  readonly pairs: readonly string[];
}

export function commonHeaders({ publicUrl }: Pick<Settings, 'publicUrl'>): CommonHeaders {
  const isSecure = publicUrl?.startsWith('https:') === true;
  const fixed = Object.freeze({ ...FIXED, ...(isSecure ? { 'strict-transport-security': TRANSPORT_SECURITY } : {}) });
  return { fixed, pairs: Object.freeze(Object.entries(fixed).flat()) };
}
