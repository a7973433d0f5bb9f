import { Logger } from '@nestjs/common';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags, type Span, type Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { version } from '../../../package.json';
import type { OpenSpan, SpanEnd, Spans, SpanStart } from './spans';
import type { TraceContext } from './traceparent';

const KIND = { server: SpanKind.SERVER, internal: SpanKind.INTERNAL, producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER } as const;
const SEND_EVERY_MS = 1_000;
const EXPORT_TIMEOUT_MS = 5_000;
/** How long going away may wait for a collector that does not answer. */
const FAREWELL_MS = 2_000;

export interface OtlpOptions {
  /** Base URL of the collector. */
  readonly endpoint: string;
  /** Of the traces that begin here; one that comes with a request has been decided about. */
  readonly samplePercent: number;
  /** A moment of the monotonic clock as Unix time. */
  readonly unixTime: (at: number) => number;
}

/** Spans for a collector that speaks OTLP over HTTP: the only file that knows OpenTelemetry. */
export class OtlpSpans implements Spans {
  private readonly provider: TracerProvider;
  private readonly tracer: Tracer;

  constructor(private readonly options: OtlpOptions) {
    const url = new URL('v1/traces', options.endpoint.endsWith('/') ? options.endpoint : `${options.endpoint}/`).href;
    const exporter = new ToldExporter(new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS }));
    this.provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'trimtab', 'service.version': version, 'service.instance.id': `${hostname()}:${process.pid}` }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.samplePercent / 100) }),
      spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: SEND_EVERY_MS, exportTimeoutMillis: EXPORT_TIMEOUT_MS })],
    });
    this.tracer = this.provider.getTracer('trimtab', version);
  }

  begin({ name, kind, parent, at, attributes }: SpanStart): OpenSpan {
    const startTime = this.options.unixTime(at);
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote(parent));
    const span = this.tracer.startSpan(name, { kind: KIND[kind], startTime, attributes }, context);
    // The clock may be corrected between the two ends of a span: the distance is measured, the end follows from it.
    return { context: contextOf(span), end: (end) => finish(span, startTime + Math.max(0, end.at - at), end) };
  }

  async close(): Promise<void> {
    const given = new AbortController();
    const closed = this.provider.shutdown().catch(() => undefined);
    await Promise.race([closed, sleep(FAREWELL_MS, undefined, { signal: given.signal }).catch(() => undefined)]);
    given.abort();
  }
}

function finish(span: Span, endTime: number, { attributes, error }: SpanEnd): void {
  if (attributes !== undefined) span.setAttributes(attributes);
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
  span.end(endTime);
}

function remote({ traceId, spanId, sampled }: TraceContext) {
  return { traceId, spanId, traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true };
}

function contextOf(span: Span): TraceContext {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) === TraceFlags.SAMPLED };
}

/** Says once, and not for each batch, that the collector takes nothing; and once that it does again. */
class ToldExporter implements SpanExporter {
  private readonly logger = new Logger('Tracing');
  private failing = false;

  constructor(private readonly exporter: SpanExporter) {}

  export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    this.exporter.export(spans, (result) => {
      const failed = result.code !== 0;
      if (failed && !this.failing) this.logger.warn(`The trace collector takes nothing; spans are lost until it does: ${result.error?.message ?? 'unknown'}`);
      if (!failed && this.failing) this.logger.log('The trace collector takes spans again.');
      this.failing = failed;
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }
}
