import type { EntityManager } from 'typeorm';
import { DomainError } from '../kernel/domain-error';

/** @param pointer of the name in the request */
export async function environmentIdOf(manager: EntityManager, name: string, pointer: string): Promise<number> {
  const [environment] = await manager.query<{ id: number }[]>('SELECT id FROM environment WHERE name = $1', [name]);
  if (environment === undefined) throw new DomainError('environment_not_found', `There is no environment named '${name}'.`, { pointer });
  return environment.id;
}
