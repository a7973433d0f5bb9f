import { parser } from '@prometheus-io/lezer-promql';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Registry } from 'prom-client';
import { parse } from 'yaml';
import { DistributionMetrics } from '../src/distribution/distribution-metrics';
import type { Distributor } from '../src/distribution/distributor';
import type { Edge } from '../src/edge/edge';
import { EdgeMetrics } from '../src/edge/edge-metrics';
import type { EdgeReadiness } from '../src/edge/edge-readiness';
import { defaultSettings } from '../src/settings/default-settings';
import { Api } from './support/api';
import { startServer, type TestServer } from './support/server';

const FOLDER = path.resolve(__dirname, '../docs/operations');
const read = (file: string): string => readFileSync(path.join(FOLDER, file), 'utf8');

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labels: readonly string[];
}

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly description?: string;
  readonly targets?: readonly { readonly expr: string }[];
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string };
}

const panels = (JSON.parse(read('grafana-dashboard.json')) as { panels: Panel[] }).panels;
const rules = (parse(read('alerts.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);

let server: TestServer;
let metrics: Map<string, Metric>;
let ofReplica: Metric[];
let ofDistributor: Metric[];
let ofEdge: Metric[];
let page: string;

beforeAll(async () => {
  server = await startServer();
  page = (await new Api(server.url, server.token).must('GET', '/metrics')).text;
  const registry = new Registry();
  new EdgeMetrics(registry, {} as EdgeReadiness, {} as Edge);
  const distributing = new Registry();
  new DistributionMetrics(distributing, {} as Distributor, defaultSettings({ nats: { url: 'nats://nats' } }));
  [ofReplica, ofDistributor, ofEdge] = [metricsOf(server.app.get(Registry)), metricsOf(distributing), metricsOf(registry)];
  metrics = new Map([...ofEdge, ...ofDistributor, ...ofReplica].map((metric) => [metric.name, metric]));
});
afterAll(() => server.close());

function metricsOf(registry: Registry): Metric[] {
  return registry.getMetricsAsArray().map((metric) => {
    const { labelNames, constructor } = metric as unknown as { labelNames: readonly string[]; constructor: { name: string } };
    return { name: metric.name, help: (metric as unknown as { help: string }).help, type: constructor.name.toLowerCase(), labels: labelNames };
  });
}

/** What an expression asks for: metrics with the labels it matches, and labels it groups or joins by. */
function askedBy(expression: string) {
  const text = expression.replaceAll('$__rate_interval', '5m');
  const selectors: { metric: string; labels: string[] }[] = [];
  const grouped: string[] = [];
  const faults: string[] = [];
  const textOf = ({ from, to }: { from: number; to: number }): string => text.slice(from, to);
  parser.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError) faults.push(`${text} at ${node.from}`);
      if (node.name === 'VectorSelector') {
        const identifier = node.node.getChild('Identifier');
        const matchers = node.node.getChild('LabelMatchers');
        const labels = [...(matchers === null ? [] : matchers.getChildren('UnquotedLabelMatcher'))].map((matcher) => textOf(matcher.getChild('LabelName')!));
        selectors.push({ metric: identifier === null ? '' : textOf(identifier), labels });
      }
      if (node.name === 'GroupingLabels') for (const label of node.node.getChildren('LabelName')) grouped.push(textOf(label));
    },
  });
  return { selectors, grouped, faults };
}

/** Given by Prometheus to what it scrapes. */
const SCRAPED = ['job', 'instance'];
const SUFFIX = /_(?:bucket|sum|count)$/;

function expectAnswerable(expression: string): void {
  const { selectors, grouped, faults } = askedBy(expression);
  expect(faults).toEqual([]);
  expect(selectors).not.toEqual([]);
  const known = new Set(SCRAPED);
  for (const { metric, labels } of selectors) {
    const found = metrics.get(metric) ?? metrics.get(metric.replace(SUFFIX, ''));
    expect([metric, found?.name]).toEqual([metric, metric === found?.name ? metric : metric.replace(SUFFIX, '')]);
    if (SUFFIX.test(metric)) expect([metric, found?.type]).toEqual([metric, 'histogram']);
    const has = [...SCRAPED, ...(found?.labels ?? []), ...(metric.endsWith('_bucket') ? ['le'] : [])];
    for (const label of labels) expect(has).toContain(label);
    for (const label of has) known.add(label);
  }
  for (const label of grouped) expect([...known]).toContain(label);
}

describe('given the dashboard', () => {
  const expressions = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const));

  it.each(expressions)('%s asks for what is exported: %s', (_title, expression) => expectAnswerable(expression));

  it('has every panel explained', () => {
    const explained = read('dashboard.md');
    for (const { title, type, description } of panels) {
      if (type === 'row') expect(explained).toContain(`\n## ${title}\n`);
      else expect(explained).toContain(`| ${title} | ${description} |`);
    }
    expect(panels.filter(({ type }) => type === 'row').map(({ title }) => title)).toEqual(['Fleet', 'Publish', 'Feed', 'Replicas', 'Database', 'Process']);
  });

  it('would notice a metric, a label and an expression that do not exist', () => {
    for (const wrong of ['trimtab_no_such_metric', 'trimtab_ready{colour="red"}', 'sum by (colour) (trimtab_ready)', 'trimtab_ready_bucket', 'sum(trimtab_ready', '1']) {
      expect(() => expectAnswerable(wrong)).toThrow();
    }
  });
});

describe('given the alerts', () => {
  it.each(rules.map(({ alert, expr }) => [alert, expr] as const))('%s asks for what is exported: %s', (_alert, expression) => expectAnswerable(expression));

  it('has for each of them a section that says what to do, and a sentence', () => {
    const sections = [...read('alerts.md').matchAll(/^## (\w+)$/gm)].map(([, title]) => title);
    expect(sections).toEqual(rules.map(({ alert }) => alert));
    for (const { annotations } of rules) expect(annotations.summary).toMatch(/\.$/);
  });
});

describe('given the page of metrics', () => {
  const rowOf = ({ name, type, labels, help }: Metric): string => `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ') || '–'} | ${help} |`;
  const byName = (a: Metric, b: Metric): number => (a.name < b.name ? -1 : 1);

  it('is documented, all of it and nothing else', () => {
    const documented = read('metrics.md').split('\n').filter((line) => line.startsWith('| `'));
    const onlyEdge = ofEdge.filter(({ name }) => !ofReplica.some((metric) => metric.name === name));
    expect(documented).toEqual([ofReplica, ofDistributor, onlyEdge].flatMap((table) => [...table].sort(byName).map(rowOf)));
  });

  it('shows every metric that is registered', () => {
    for (const { name } of ofReplica) expect(page).toContain(`# TYPE ${name} `);
  });

  it('keeps labels few: never an instance, a service, an environment or a layer', () => {
    const labels = new Set([...metrics.values()].flatMap((metric) => metric.labels));
    expect([...labels].filter((label) => /instance|service|environment|layer|target|client|host/.test(label))).toEqual([]);
  });
});
