import type { EntityManager } from 'typeorm';
import type { Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import type { SubjectKind } from './access-grant.entity';
import { GROUP_NAME_PATTERN } from './group-member.entity';
import { mayUseToken } from './granting';
import type { GrantSubject } from './grants.dto';
import { lockToken } from './read-tokens';

/** To whom something is granted. */
export interface Subject {
  readonly kind: SubjectKind;
  /** Id of a person or a token, name of a group. */
  readonly id: string;
  readonly name: string;
}

/**
 * Finds whom a request means. A token only counts where the caller may deal with it: to everybody else there is none of
 * that id. Personal tokens never do, because what is granted to one is a limit, which its person has set.
 */
export async function findSubject(manager: EntityManager, actor: Actor, { kind, id, login, name }: GrantSubject): Promise<Subject> {
  switch (kind) {
    case 'person':
      if ((id === undefined) === (login === undefined) || name !== undefined) throw unclear('A person is named by either id or login.');
      return findPerson(manager, id, login);
    case 'group':
      if (name === undefined || id !== undefined || login !== undefined) throw unclear('A group is named by its name.');
      if (!GROUP_NAME_PATTERN.test(name)) throw unclear('The name of a group has 1 to 200 characters and no spaces around it.');
      return { kind, id: name, name };
    case 'token':
      if (id === undefined || login !== undefined || name !== undefined) throw unclear('A token is named by its id.');
      return findToken(manager, actor, id);
  }
}

/** A login has one spelling, in lower-case ASCII. */
async function findPerson(manager: EntityManager, id: string | undefined, login: string | undefined): Promise<Subject> {
  const [person] = await manager.query<{ id: string; name: string }[]>('SELECT id, name FROM person WHERE id = $1 OR login = $2', [id ?? null, login?.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) ?? null]);
  if (person !== undefined) return { kind: 'person', ...person };
  throw new DomainError('person_not_found', `There is no person with the ${id === undefined ? `login '${login}'` : `id ${id}`}.`, { pointer: `/subject/${id === undefined ? 'login' : 'id'}` });
}

async function findToken(manager: EntityManager, actor: Actor, id: string): Promise<Subject> {
  const token = await lockToken(manager, id);
  if (token !== undefined && token.person === null && token.revokedAt === null && mayUseToken(actor, token)) return { kind: 'token', id, name: token.name };
  throw new DomainError('credential_not_found', `There is no service token with the id ${id}.`, { pointer: '/subject/id' });
}

function unclear(detail: string): DomainError {
  return new DomainError('malformed_request', detail, { pointer: '/subject' });
}
