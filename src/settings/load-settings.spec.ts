import { defaultSettings } from './default-settings';
import { listVariables, loadSettings, SettingsError } from './load-settings';

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    loadSettings(env);
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
  return [];
}

describe('loadSettings', () => {
  it('has a default for everything', () => {
    expect(loadSettings({})).toMatchObject({ host: '127.0.0.1', port: 8848, databaseUrl: undefined, dataFolder: '.trimtab' });
    const defaults = listVariables().filter(({ fallback }) => fallback !== undefined);
    expect(faultsOf(Object.fromEntries(defaults.map(({ name, fallback, fallbackText = fallback }) => [name, String(fallbackText)])))).toEqual([]);
  });

  it('takes every variable from the environment', () => {
    const settings = loadSettings({ PORT: '0', TRIMTAB_HOST: '::1', TRIMTAB_FEED_DELTA_HISTORY: '0', TRIMTAB_LOG_LEVEL: 'debug' });
    expect(settings).toMatchObject({ port: 0, host: '::1', logLevel: 'debug', feed: { deltaHistory: 0 } });
  });

  it('names every fault at once', () => {
    expect(faultsOf({ PORT: '70000', TRIMTAB_LOG_LEVEL: 'loud', TRIMTAB_HOST: '' })).toEqual([
      'TRIMTAB_HOST is empty: give it a value, or unset it.',
      'PORT must be a whole number from 0 to 65535, not "70000".',
      'TRIMTAB_LOG_LEVEL must be one of trace, debug, info, warn, error, fatal, silent, not "loud".',
    ]);
  });

  it.each(['', ' ', 'eighty', '80x', '-1', '1e3', '0x50', '8848.5', '９０'])('refuses %j as a port', (value) => {
    expect(faultsOf({ PORT: value })).toHaveLength(1);
  });

  it.each(['mysql://h/d', 'h:5432', 'postgres//h', 'postgres://u:s3cret@h:port/d'])('refuses %j as a database without repeating it', (value) => {
    const [fault] = faultsOf({ DATABASE_URL: value });
    expect(fault).toMatch(/^DATABASE_URL must be a URL like/);
    expect(fault).not.toContain('s3cret');
  });

  it.each(['postgres://h/d', 'postgresql://u:p%40@h:5432/d?sslmode=require', 'postgres:///d?host=/run/postgresql', 'postgres://u@/d?host=/tmp'])(
    'takes %j as a database',
    (value) => {
      expect(loadSettings({ DATABASE_URL: value }).databaseUrl).toBe(value);
    },
  );

  it.each(['http://h', 'h:4222', 'nats://', 'nats://h:4222,redis://u:s3cret@h'])('refuses %j as NATS without repeating it', (value) => {
    const [fault] = faultsOf({ TRIMTAB_NATS_URL: value });
    expect(fault).toMatch(/^TRIMTAB_NATS_URL must be a URL like/);
    expect(fault).not.toContain('s3cret');
  });

  it.each(['example.com', 'https://', 'ftp://a.example', 'https://a.example/', 'https://a.example/path', 'https://A.example', 'https://a.example:443', 'https://user@a.example', 'https://a.example?x', 'https://a.example https://b.example', '*', 'null'])(
    'refuses %j as an address or an origin',
    (value) => {
      for (const name of ['TRIMTAB_PUBLIC_URL', 'TRIMTAB_ALLOWED_ORIGINS', 'TRIMTAB_FEED_ALLOWED_ORIGINS']) expect(faultsOf({ [name]: value })).toEqual([expect.stringMatching(name)]);
    },
  );

  it.each(['10.0.0.0/33', '10.0.0/8', '10.0.0.0/8/8', 'fd00::/129', 'fd00::/x', '10.0.0.0/-1', '10.0.0.0/', 'proxy.internal', '*', 'true', '10.0.0.1,,10.0.0.2'])('refuses %j as a network', (value) => {
    expect(faultsOf({ TRIMTAB_TRUSTED_PROXIES: value })).toEqual([expect.stringMatching(/^TRIMTAB_TRUSTED_PROXIES must be networks/)]);
  });

  it('takes lists of origins and networks', () => {
    const { http, publicUrl } = loadSettings({ TRIMTAB_PUBLIC_URL: 'https://a.example:8443', TRIMTAB_ALLOWED_ORIGINS: 'https://a.example, http://b.example:81', TRIMTAB_TRUSTED_PROXIES: '10.0.0.0/8, ::1' });
    expect({ publicUrl, ...http }).toMatchObject({ publicUrl: 'https://a.example:8443', allowedOrigins: ['https://a.example', 'http://b.example:81'], trustedProxies: ['10.0.0.0/8', '::1'] });
  });

  it('says what signing in elsewhere needs', () => {
    const oidc = { TRIMTAB_OIDC_ISSUER: 'https://id.example', TRIMTAB_OIDC_CLIENT_ID: 'trimtab', TRIMTAB_PUBLIC_URL: 'https://a.example' };
    expect(faultsOf(oidc)).toEqual([]);
    expect(faultsOf({ ...oidc, TRIMTAB_OIDC_ISSUER: 'http://localhost:4000' })).toEqual([]);
    expect(faultsOf({ TRIMTAB_OIDC_ISSUER: 'http://id.example', TRIMTAB_OIDC_SCOPES: 'profile' }).map((fault) => fault.split(' ')[0])).toEqual(['TRIMTAB_OIDC_CLIENT_ID', 'TRIMTAB_PUBLIC_URL', 'TRIMTAB_OIDC_ISSUER', 'TRIMTAB_OIDC_SCOPES']);
    const [fault] = faultsOf({ ...oidc, TRIMTAB_OIDC_CLIENT_SECRET: 's3cret', TRIMTAB_OIDC_CLIENT_SECRET_FILE: '/run/secret' });
    expect(fault).toMatch(/both set/);
    expect(fault).not.toContain('s3cret');
    expect(faultsOf({ TRIMTAB_SESSION_IDLE_MINUTES: '61', TRIMTAB_SESSION_MAX_MINUTES: '60' })).toEqual([expect.stringMatching(/^TRIMTAB_SESSION_IDLE_MINUTES \(61\)/)]);
  });

  it('refuses an edge that has nothing to serve from', () => {
    expect(faultsOf({ TRIMTAB_ROLE: 'edge' })).toEqual(['TRIMTAB_NATS_URL is missing: an edge has everything it serves from NATS.']);
    expect(faultsOf({ TRIMTAB_ROLE: 'edge', TRIMTAB_NATS_URL: 'nats://a:4222, tls://user:pass@b' })).toEqual([]);
  });

  it('refuses a body limit no document of the largest size could pass', () => {
    expect(faultsOf({ TRIMTAB_HTTP_MAX_BODY_BYTES: '2048' })[0]).toMatch(/^TRIMTAB_HTTP_MAX_BODY_BYTES .* TRIMTAB_DOCUMENT_MAX_BYTES/);
  });

  it('freezes the settings at every depth', () => {
    for (const settings of [loadSettings({}), defaultSettings({ feed: { sliceMs: 1 } })]) {
      expect(Object.isFrozen(settings)).toBe(true);
      expect(Object.isFrozen(settings.feed)).toBe(true);
    }
  });
});

describe('defaultSettings', () => {
  it('replaces single members and keeps their neighbours', () => {
    const settings = defaultSettings({ port: 0, feed: { sliceMs: 1 } });
    expect(settings.port).toBe(0);
    expect(settings.feed).toEqual({ ...loadSettings({}).feed, sliceMs: 1 });
  });
});
