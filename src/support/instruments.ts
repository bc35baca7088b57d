import {Counter, Gauge, Histogram, type Registry} from 'prom-client';

/** Makes the metrics of one registry, each in a line: its name, what it tells, its labels. */
export class Instruments {
  readonly #registers: Registry[];

  constructor(registry: Registry) {
    this.#registers = [registry];
  }

  counter<Label extends string = never>(name: string, help: string, ...labelNames: Label[]): Counter<Label> {
    return new Counter({name, help, labelNames, registers: this.#registers});
  }

  gauge<Label extends string = never>(name: string, help: string, ...labelNames: Label[]): Gauge<Label> {
    return new Gauge({name, help, labelNames, registers: this.#registers});
  }

  /** `buckets` are upper bounds, in the metric's unit. */
  histogram<Label extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    ...labelNames: Label[]
  ): Histogram<Label> {
    return new Histogram({name, help, buckets, labelNames, registers: this.#registers});
  }
}
