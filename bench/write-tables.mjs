// node bench/write-tables.mjs: puts the figures of bench/results.json into README.md and docs/performance.md, between
// their `<!-- bench … -->` and `<!-- /bench -->` lines.
import { readFileSync, writeFileSync } from 'node:fs';

const rows = JSON.parse(readFileSync(new URL('./results.json', import.meta.url), 'utf8'));

function tableOf(chosen) {
  const lines = chosen.map(({ name, unit, value, limit, ratio, aim, met }) => {
    const more = unit.endsWith('/s');
    const verdict = met === null ? '' : met ? 'met' : '**short**';
    return [name, unit, shown(value), shown(limit), ratio === null ? '–' : ratio.toFixed(2), aim === null ? '–' : `${more ? '≥' : '≤'} ${aim}`, verdict];
  });
  const head = ['figure', 'unit', 'ours', 'limit', 'ratio', 'aim', ''];
  return [head, ['---', '---', '--:', '--:', '--:', '--:', '---'], ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function shown(value) {
  if (value === null) return '–';
  return Math.abs(value) >= 1_000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}

function fill(file, chosen) {
  const url = new URL(file, import.meta.url);
  const text = readFileSync(url, 'utf8');
  writeFileSync(url, text.replace(/(<!-- bench[^\n]*-->\n)[\s\S]*?(<!-- \/bench -->)/, (_, open, close) => `${open}\n${tableOf(chosen)}\n\n${close}`));
}

fill('../docs/performance.md', rows);
fill('../README.md', rows.filter(({ aim }) => aim !== null));
