import { listVariables } from './load-settings';

/** The settings as `docs/operations.md` shows them. */
export function settingsTable(): string {
  const rows = listVariables().map(({ name, fallback, fallbackText = fallback, means }) => `| \`${name}\` | ${shown(fallbackText)} | ${means} |`);
  return ['| variable | when unset | |', '|---|---|---|', ...rows].join('\n');
}

function shown(fallback: unknown): string {
  return fallback === undefined ? '–' : `\`${String(fallback)}\``;
}
