import type { Circus } from '@jest/types';
import { TestEnvironment } from 'jest-environment-node';

/** jest runs `afterAll` hooks in the order they were registered; the one of `no-leaks.ts` has to come last. */
export default class Environment extends TestEnvironment {
  handleTestEvent(event: Circus.Event, state: Circus.State): void {
    if (event.name !== 'run_start') return;
    const { hooks } = state.rootDescribeBlock;
    const index = hooks.findIndex(({ fn }) => fn.name === 'failOnLeaks');
    if (index >= 0) hooks.push(...hooks.splice(index, 1));
  }
}
