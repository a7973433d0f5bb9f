import { homedir } from 'node:os';
import { join } from 'node:path';
import { settingsOf } from './connect-options.js';

const needed = { url: 'https://config.example.com', key: 'k', service: 'orders', environment: 'production' };

describe('settingsOf', () => {
  it('has the documented defaults', () => {
    const settings = settingsOf(needed);
    expect(settings).toMatchObject({
      mainName: 'application',
      startTimeoutMs: 5_000,
      applyTimeoutMs: 30_000,
      defaults: undefined,
      restartOnly: [],
      times: { reconnectBaseMs: 1_000, reconnectCapMs: 30_000, rejectedRetryMs: 60_000, pollIntervalMs: 30_000, answerTimeoutMs: 10_000 },
    });
    expect(settings.instance.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('keeps the copy on disk below the home folder, apart for each server', () => {
    const { diskPath } = settingsOf(needed);
    expect(diskPath).toMatch(/orders@production-[0-9a-f]{8}\.json$/);
    expect(diskPath?.startsWith(join(homedir(), '.cache', 'trimtab'))).toBe(true);
    expect(settingsOf({ ...needed, url: 'https://other.example.com' }).diskPath).not.toBe(diskPath);
    expect(settingsOf({ ...needed, diskSnapshot: false }).diskPath).toBeUndefined();
    expect(settingsOf({ ...needed, diskSnapshot: '/x/y.json' }).diskPath).toBe('/x/y.json');
  });
});
