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
    expect(faultsOf(Object.fromEntries(defaults.map(({ name, fallback }) => [name, String(fallback)])))).toEqual([]);
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
