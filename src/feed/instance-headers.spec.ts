import type { IncomingMessage } from 'node:http';
import { instanceOf } from './instance-headers';

const labelsOf = (labels: string): unknown => instanceOf({ headers: { 'x-trimtab-labels': labels }, socket: {} } as unknown as IncomingMessage).labels;

describe('given labels in a header', () => {
  it('reads names and values, and none of the spaces around them', () => {
    expect(labelsOf('zone=eu-1, canary = yes please ,empty=,sum=a=b')).toEqual({ zone: 'eu-1', canary: 'yes please', empty: '', sum: 'a=b' });
    expect(labelsOf(`${'n'.repeat(63)}=${'v'.repeat(255)}`)).toEqual({ ['n'.repeat(63)]: 'v'.repeat(255) });
  });

  it.each(['zone', '=a', 'a b=c', `${'n'.repeat(64)}=a`, `a=${'v'.repeat(256)}`, 'a=b,', ',a=b'])('refuses %s', (labels) => {
    expect(() => labelsOf(labels)).toThrow(/name=value/);
  });

  it('is not kept busy by one of them', () => {
    const began = performance.now();
    expect(() => labelsOf(`a=${' '.repeat(7_000)}${'x'.repeat(300)}`)).toThrow(/name=value/);
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});
