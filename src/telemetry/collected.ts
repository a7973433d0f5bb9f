import { Counter, Gauge, type Registry } from 'prom-client';

/** Values by the one label that tells them apart. */
export type Labelled = Readonly<Record<string, number>>;

/** Metrics that are kept elsewhere as plain numbers and read when somebody asks: they cost nothing in between. */
export class Collected {
  constructor(private readonly registry: Registry) {}

  gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({ name, help, registers: [this.registry], collect: async function () { this.set(await read()); } });
  }

  counter(name: string, help: string, read: () => number | Promise<number>): void {
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect: async function () {
        const value = await read();
        this.reset();
        this.inc(value);
      },
    });
  }

  gauges<Label extends string>(name: string, help: string, label: Label, read: () => Labelled): void {
    new Gauge<string>({
      name,
      help,
      labelNames: [label],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [member, value] of Object.entries(read())) this.set({ [label]: member }, value);
      },
    });
  }

  counters<Label extends string>(name: string, help: string, label: Label, read: () => Labelled): void {
    new Counter<string>({
      name,
      help,
      labelNames: [label],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [member, value] of Object.entries(read())) this.inc({ [label]: member }, value);
      },
    });
  }
}
