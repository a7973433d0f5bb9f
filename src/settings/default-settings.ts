import { loadSettings } from './load-settings';
import type { Settings } from './settings';

export type SettingsOverrides = {
  readonly [Key in keyof Settings]?: Settings[Key] extends object ? Partial<Settings[Key]> : Settings[Key];
};

/** The settings of an empty environment with some of them replaced: how tests build theirs. */
export function defaultSettings(overrides: SettingsOverrides = {}): Settings {
  const defaults = loadSettings({});
  const merged = Object.entries({ ...defaults, ...overrides }).map(([key, value]) => {
    const group = (defaults as Readonly<Record<string, unknown>>)[key];
    const isGroup = typeof group === 'object' && group !== null;
    return [key, isGroup ? Object.freeze({ ...group, ...(value as object) }) : value];
  });
  return Object.freeze(Object.fromEntries(merged)) as Settings;
}
