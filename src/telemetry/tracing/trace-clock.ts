import { Injectable } from '@nestjs/common';

/**
 * Unix time for spans. Replicas with different clocks would tear one trace apart, so it is the clock of Postgres, as
 * soon as that has been heard; this process's own until then, and where there is no Postgres.
 */
@Injectable()
export class TraceClock {
  private offsetMs = performance.timeOrigin;

  /** It was `unixTime` over there when it was `at` on the monotonic clock here. */
  heard(unixTime: number, at: number): void {
    this.offsetMs = unixTime - at;
  }

  unixTime(at: number): number {
    return at + this.offsetMs;
  }
}
