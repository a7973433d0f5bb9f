import { markdown, shown } from '../support/markdown.mjs';

/** The name of a row of the fan-out begins with the size of the fleet, and the document where there is one. */
const BROADCAST = /^([\d,]+) × (\d+ KiB): (.*)$/;
const MEMORY = /^([\d,]+): memory per connection, resident$/;

export function isStorm({ name }) {
  return !name.startsWith('growth') && !BROADCAST.test(name) && !/^[\d,]+: /.test(name);
}

/** What the fan-out costs at each size, one line for each size and document; each cell is ours / raw. */
export function fleetTable(rows) {
  const memory = new Map(rows.flatMap((row) => (MEMORY.test(row.name) ? [[MEMORY.exec(row.name)[1], row]] : [])));
  const broadcasts = new Map();
  for (const row of rows) {
    const [, size, document, figure] = BROADCAST.exec(row.name) ?? [];
    if (size === undefined) continue;
    const key = `${size} × ${document}`;
    if (!broadcasts.has(key)) broadcasts.set(key, { size, figures: new Map() });
    broadcasts.get(key).figures.set(figure, row);
  }
  const head = ['clients × document', 'last, p50', 'last, p99', 'ratio', 'last, max', 'from the commit, p50', 'applied, p50', 'longest turn', 'CPU per message', 'memory', 'p99 ≤ 1.3'];
  const lines = [...broadcasts].map(([key, { size, figures }]) => {
    const pair = (figure) => both(figures.get(figure));
    const p99 = figures.get('publish → received by the last, p99');
    return [
      key,
      pair('publish → received by the last, p50'),
      both(p99),
      p99.ratio.toFixed(2),
      pair('publish → received by the last, max'),
      pair('from the commit → received by the last, p50'),
      shown(figures.get('publish → applied by the last of a sample of clients, p50').value),
      pair('delay of the event loop, longest'),
      pair('CPU of the server per message'),
      both(memory.get(size)),
      p99.met ? 'met' : '**short**',
    ];
  });
  return markdown(head, lines, 1);
}

function both({ value, limit }) {
  return `${shown(value)} / ${shown(limit)}`;
}
