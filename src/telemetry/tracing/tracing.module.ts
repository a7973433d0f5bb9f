import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../settings/settings';
import { TraceClock } from './trace-clock';
import { SPANS, type Spans } from './spans';

/** What is needed for tracing and nothing else is loaded only when it is on. */
@Global()
@Module({
  providers: [
    TraceClock,
    {
      provide: SPANS,
      inject: [SETTINGS, TraceClock],
      useFactory: async ({ tracing: { endpoint, samplePercent } }: Settings, clock: TraceClock): Promise<Spans | null> => {
        if (endpoint === undefined) return null;
        const { OtlpSpans } = await import('./otlp-spans.js');
        return new OtlpSpans({ endpoint, samplePercent, unixTime: (at) => clock.unixTime(at) });
      },
    },
  ],
  exports: [SPANS, TraceClock],
})
export class TracingModule implements OnApplicationShutdown {
  constructor(@Inject(SPANS) private readonly spans: Spans | null) {}

  async onApplicationShutdown(): Promise<void> {
    await this.spans?.close();
  }
}
