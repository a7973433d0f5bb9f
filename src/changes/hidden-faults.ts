import type { Authority } from '../kernel/authority';
import { DomainError } from '../kernel/domain-error';
import type { ErrorCode } from '../kernel/error-codes';

/** Says that something would break where the actor may not look, and nothing of what or where. */
export function hiddenFault(code: ErrorCode): DomainError {
  return new DomainError(code, 'This would break a config that you may not view. Nothing was published. Ask somebody who may view everything that depends on it to have a look.');
}

/** A cycle is named by the services it goes through: to whoever may view each of them there. */
export async function hidingCycles<T>(authority: Authority, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'include_cycle') throw error;
    const { environment, cycle } = error.extra as { readonly environment: string; readonly cycle: readonly string[] };
    throw cycle.every((service) => authority.allows('view', { service, environment })) ? error : hiddenFault(error.code);
  }
}
