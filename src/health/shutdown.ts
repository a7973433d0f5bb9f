import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { SETTINGS, type Settings } from '../settings/settings';

/**
 * Going away in two phases: first readiness says no, for as long as a balancer needs to notice and send nobody here any
 * more; then connections are closed. `begin()` is the first phase, closing the application the second.
 */
@Injectable()
export class Shutdown implements OnModuleDestroy {
  private begun = false;

  constructor(@Inject(SETTINGS) private readonly settings: Settings) {}

  get inProgress(): boolean {
    return this.begun;
  }

  /** Resolves when connections may be closed. */
  async begin(): Promise<void> {
    this.begun = true;
    await sleep(this.settings.shutdownGraceMs);
  }

  onModuleDestroy(): void {
    this.begun = true;
  }
}
