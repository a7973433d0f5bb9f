import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/**
 * Going away in two phases: first readiness says no, so that nobody is sent here any more, then connections are closed.
 * `begin()` is the first phase; closing the application is the second, and begins it if nobody has.
 */
@Injectable()
export class Shutdown implements OnModuleDestroy {
  private begun = false;

  get inProgress(): boolean {
    return this.begun;
  }

  begin(): void {
    this.begun = true;
  }

  onModuleDestroy(): void {
    this.begin();
  }
}
