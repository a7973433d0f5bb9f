import { readFileSync } from 'node:fs';
import path from 'node:path';
import { statusOf } from '../src/http/problem';
import { ERROR_CODES } from '../src/kernel/error-codes';

describe('given docs/errors.md', () => {
  const page = readFileSync(path.resolve(__dirname, '../docs/errors.md'), 'utf8');
  const sections = [...page.matchAll(/^## (\w+)\n\n`(\d{3})` (.+)\n\n(.+)$/gm)];

  it('explains exactly the codes there are, in their order, with their status and title', () => {
    const explained = sections.map(([, code, status, title]) => ({ code, status: Number(status), title }));
    expect(explained).toEqual(Object.entries(ERROR_CODES).map(([code, { kind, title }]) => ({ code, status: statusOf(kind), title })));
  });

  it('says of each what to do', () => {
    for (const [, code, , , advice] of sections) expect(`${code}: ${advice}`).toMatch(/^\w+: .{20,}/);
  });
});
