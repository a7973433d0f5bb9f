import { BEGINNING, hashOfLine, type Anchor, type AuditLine } from './audit-line';
import { ChainCheck, type ChainCheckOptions } from './chain-check';

const LINES = ['environment.create', 'service.create', 'change.publish', 'token.create', 'token.revoke'].reduce<AuditLine[]>(
  (lines, action) => [...lines, linked(lines.at(-1) ?? BEGINNING, action)],
  [],
);

function linked(before: Anchor, action: string): AuditLine {
  const line: AuditLine = {
    position: before.position + 1,
    previous: before.hash,
    at: '2026-11-22T12:00:00.000Z',
    actor: { kind: 'system', id: 'system', name: 'trimtab' },
    action,
    subject: {},
    changed: {},
    requestId: null,
    address: null,
    revision: null,
    hash: '',
  };
  return { ...line, hash: hashOfLine(line) };
}

/** The first thing that is wrong with the lines, or with their end. */
function faultIn(lines: readonly AuditLine[], options: ChainCheckOptions = {}): string | undefined {
  const check = new ChainCheck(options);
  for (const line of lines) {
    const fault = check.add(line, line);
    if (fault) return `${fault.reason} ${fault.position}`;
  }
  const fault = check.end();
  return fault && `${fault.reason} ${fault.position}`;
}

const altered = (line: AuditLine): AuditLine => ({ ...line, action: 'change.discard' });
const rehashed = (line: AuditLine): AuditLine => ({ ...altered(line), hash: hashOfLine(altered(line)) });
const replaced = (position: number, by: (line: AuditLine) => AuditLine): AuditLine[] => LINES.map((line) => (line.position === position ? by(line) : line));
const without = (...positions: number[]): AuditLine[] => LINES.filter(({ position }) => !positions.includes(position));
const anchorAt = (position: number): Anchor => LINES[position - 1]!;

describe('given the lines of a chain', () => {
  it('finds nothing wrong with them', () => {
    expect(faultIn(LINES)).toBeUndefined();
    expect(faultIn(LINES, { anchor: anchorAt(5) })).toBeUndefined();
    expect(faultIn(LINES.slice(2), { after: anchorAt(2) })).toBeUndefined();
  });

  it('finds a record that does not belong to its hash', () => {
    expect(faultIn(replaced(3, altered))).toBe('altered 3');
    expect(faultIn(replaced(3, altered), { gaps: true })).toBe('altered 3');
  });

  it('finds by the next one a record that was hashed anew', () => {
    expect(faultIn(replaced(3, rehashed))).toBe('unlinked 4');
  });

  it('finds a position that is not there, unless some may be left out', () => {
    expect(faultIn(without(3))).toBe('missing 3');
    expect(faultIn(without(1), { after: BEGINNING })).toBe('missing 1');
    expect(faultIn(without(2, 4), { gaps: true })).toBeUndefined();
  });

  it('finds lines in another order, and lines that are there twice', () => {
    expect(faultIn([LINES[2]!, LINES[1]!])).toBe('reordered 2');
    expect(faultIn([...LINES.slice(0, 2), LINES[3]!, LINES[2]!], { gaps: true })).toBeUndefined();
    expect(faultIn([...LINES, LINES[4]!])).toBe('reordered 5');
  });

  it('finds a record that is gone though its link is there', () => {
    const check = new ChainCheck({});
    expect(check.add(LINES[0]!, undefined)).toMatchObject({ reason: 'removed', position: 1 });
  });

  it('finds that something else came before than was said', () => {
    expect(faultIn(LINES.slice(2), { after: { ...anchorAt(2), hash: anchorAt(1).hash } })).toBe('unlinked 3');
    expect(faultIn([linked({ position: 0, hash: anchorAt(1).hash }, 'token.create')])).toBe('unlinked 1');
  });

  it('finds with an anchor that the end was cut off, or that another chain was put in its place', () => {
    expect(faultIn(LINES.slice(0, 3), { anchor: anchorAt(5) })).toBe('cut 4');
    expect(faultIn([], { anchor: anchorAt(5) })).toBe('cut 1');
    const others = LINES.reduce<AuditLine[]>((lines) => [...lines, linked(lines.at(-1) ?? BEGINNING, 'token.create')], []);
    expect(faultIn(others)).toBeUndefined();
    expect(faultIn(others, { anchor: anchorAt(4) })).toBe('rewritten 4');
  });

  it('remembers where the last right line was', () => {
    const check = new ChainCheck({});
    for (const line of replaced(3, altered)) if (check.add(line, line)) break;
    expect(check.head).toEqual({ position: 2, hash: anchorAt(2).hash });
  });
});
