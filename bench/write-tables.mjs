// node bench/write-tables.mjs: puts the figures of bench/results.json and bench/fleet-results.json into README.md and
// docs/performance.md, between their `<!-- bench … -->`, `<!-- fleet … -->`, `<!-- storms … -->` and `<!-- /… -->` lines.
import { readFileSync, writeFileSync } from 'node:fs';
import { fleetTable, isStorm } from './fleet/table.mjs';
import { markdown, shown } from './support/markdown.mjs';

function rowsOf(file) {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'));
}

function tableOf(chosen) {
  const lines = chosen.map(({ name, unit, value, limit, ratio, aim, met }) => {
    const more = unit.endsWith('/s');
    const verdict = met === null ? '' : met ? 'met' : '**short**';
    return [name, unit, shown(value), shown(limit), ratio === null ? '–' : ratio.toFixed(2), aim === null ? '–' : `${more ? '≥' : '≤'} ${aim}`, verdict];
  });
  return markdown(['figure', 'unit', 'ours', 'limit', 'ratio', 'aim', ''], lines, 2);
}

function fill(file, mark, table) {
  const url = new URL(file, import.meta.url);
  const text = readFileSync(url, 'utf8');
  const between = new RegExp(`(<!-- ${mark}[^\\n]*-->\\n)[\\s\\S]*?(<!-- /${mark} -->)`);
  writeFileSync(url, text.replace(between, (_, open, close) => `${open}\n${table}\n\n${close}`));
}

const rows = rowsOf('./results.json');
const fleet = rowsOf('./fleet-results.json');
fill('../docs/performance.md', 'bench', tableOf(rows));
fill('../docs/performance.md', 'fleet', fleetTable(fleet));
fill('../docs/performance.md', 'growth', tableOf(fleet.filter(({ name }) => name.startsWith('growth'))));
fill('../docs/performance.md', 'catalog', tableOf(rowsOf('./growth-results.json')));
fill('../docs/performance.md', 'storms', tableOf(fleet.filter(isStorm)));
fill('../README.md', 'bench', tableOf(rows.filter(({ aim }) => aim !== null)));
