import { byLabel, counter, gauge, metricsText } from './metrics-text';

describe('given metrics', () => {
  it('writes them in the text format of Prometheus', () => {
    const text = metricsText([gauge('a', 'A.', 1.5), counter('b_total', 'B.', 2), byLabel('gauge', 'c', 'C.', 'kind', { 'x"y\\z': 3, other: 0 })]);
    expect(text).toBe(
      '# HELP a A.\n# TYPE a gauge\na 1.5\n' +
        '# HELP b_total B.\n# TYPE b_total counter\nb_total 2\n' +
        '# HELP c C.\n# TYPE c gauge\nc{kind="x\\"y\\\\z"} 3\nc{kind="other"} 0\n',
    );
  });
});
