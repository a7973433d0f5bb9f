import type { TraceContext } from './traceparent';

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanStart {
  readonly name: string;
  readonly kind: 'server' | 'internal' | 'producer' | 'consumer';
  /** Undefined begins a trace. */
  readonly parent: TraceContext | undefined;
  /** In milliseconds of this process's monotonic clock. */
  readonly at: number;
  readonly attributes?: Attributes;
}

export interface SpanEnd {
  readonly at: number;
  readonly attributes?: Attributes;
  /** What went wrong, if anything did. Never a value of anybody's configuration. */
  readonly error?: string | undefined;
}

export interface OpenSpan {
  readonly context: TraceContext;
  end(end: SpanEnd): void;
}

/** Where spans go. There is one implementation, and it is loaded only when tracing is on. */
export interface Spans {
  begin(start: SpanStart): OpenSpan;
  /** Sends what is left, as long as that is possible in a moment. */
  close(): Promise<void>;
}

/** Injection token of the {@link Spans}; null when tracing is off. */
export const SPANS = Symbol('Spans');
