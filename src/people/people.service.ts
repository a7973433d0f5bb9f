import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { StoredCredential } from '../access/credential.entity';
import { keepAdministrator } from '../access/last-administrator';
import { Person } from '../access/person.entity';
import { recordAudit } from '../audit/record-audit';
import { violatesUnique } from '../database/constraint';
import { decodeCursor, pageOf, type Page } from '../http/page';
import type { Actor } from '../kernel/actor';
import { CLOCK, type Clock } from '../kernel/clock';
import { DomainError } from '../kernel/domain-error';
import { announce } from '../notify/announce';
import { SETTINGS, type Settings } from '../settings/settings';
import { forgetDevices } from './devices';
import { insertPerson, loginTaken } from './first-administrator';
import { canonicalLogin } from './login';
import { offerLink } from './offer-link';
import type { CreatedPerson, CreatePerson, PeopleQuery, PersonLinkView, PersonView, UpdatePerson } from './people.dto';
import { PersonIdentity } from './person-identity.entity';
import { PersonLink } from './person-link.entity';
import { Sessions } from './sessions';

interface PersonRow {
  readonly id: string;
  readonly login: string | null;
  readonly name: string;
  readonly created_at: Date;
  readonly disabled_at: Date | null;
  readonly groups: string[];
  readonly password: boolean;
  readonly oidc: boolean;
  readonly link_expires_at: Date | null;
}

const PEOPLE = `
  SELECT p.id, p.login, p.name, p.created_at, p.disabled_at, l.expires_at AS link_expires_at,
         ARRAY(SELECT DISTINCT m.group_name FROM group_member m WHERE m.person_id = p.id ORDER BY 1) AS groups,
         EXISTS (SELECT FROM person_password w WHERE w.person_id = p.id) AS password,
         EXISTS (SELECT FROM person_identity i WHERE i.person_id = p.id) AS oidc
    FROM person p LEFT JOIN person_link l ON l.person_id = p.id AND l.expires_at > $1`;

/** People are invited, renamed, disabled and enabled again. They are never removed: history names them. */
@Injectable()
export class PeopleService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly sessions: Sessions,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async list({ q = '', disabled = false, cursor, limit }: PeopleQuery): Promise<Page<PersonView>> {
    const [name, id] = decodeCursor(cursor, 'string', 'string') ?? [null, null];
    const rows = await this.dataSource.query<PersonRow[]>(
      `${PEOPLE}
        WHERE ($2 OR p.disabled_at IS NULL) AND (position(lower($3) IN lower(p.name)) > 0 OR position(lower($3) IN p.login) > 0)
          AND ($4::text IS NULL OR (p.name, p.id::text) > ($4, $5))
        ORDER BY p.name, p.id::text LIMIT $6`,
      [this.clock.now(), disabled, q, name, id, limit + 1],
    );
    return pageOf(rows, limit, (row) => [row.name, row.id], viewOf);
  }

  get(id: string): Promise<PersonView> {
    return this.find(this.dataSource.manager, id);
  }

  async create(actor: Actor, { login: typed, name, oidcSubject }: CreatePerson): Promise<CreatedPerson> {
    const login = typed === undefined ? null : (canonicalLogin(typed) ?? null);
    if (login === null && oidcSubject === undefined) throw new DomainError('malformed_request', 'Give a login, for signing in here, or an oidcSubject, for signing in at the identity provider, or both.', { pointer: '/login' });
    return this.dataSource.transaction(async (manager) => {
      const id = randomUUID();
      await insertPerson(manager, { id, login, name, createdAt: this.clock.now(), disabledAt: null });
      if (oidcSubject !== undefined) await this.insertIdentity(manager, id, oidcSubject);
      const link = login === null ? undefined : await offerLink(manager, id, 'invitation', this.linkContext());
      await recordAudit(manager, { actor, action: 'person.create', subject: { id, name, ...(login === null ? {} : { login }), ...(oidcSubject === undefined ? {} : { oidcSubject }) } });
      return { ...(await this.find(manager, id)), ...(link === undefined ? {} : { link }) };
    });
  }

  async update(actor: Actor, id: string, { login: typed, name, disabled }: UpdatePerson): Promise<PersonView> {
    const ended: string[] = [];
    const view = await this.dataSource.transaction(async (manager) => {
      const person = await manager.findOne(Person, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (person === null) throw notFound(id);
      const login = typed === undefined ? person.login : (canonicalLogin(typed) ?? person.login);
      const renamed = { login, name: name ?? person.name };
      const fields = (['login', 'name'] as const).filter((field) => renamed[field] !== person[field]);
      if (fields.length > 0) {
        await manager.update(Person, { id }, renamed).catch((error: unknown) => { throw loginTaken(error, login); });
        await manager.update(StoredCredential, { personId: id, kind: 'session' }, { name: renamed.name });
        await recordAudit(manager, { actor, action: 'person.update', subject: { id, ...renamed }, changed: { fields } });
      }
      if (disabled === true && person.disabledAt === null) ended.push(...(await this.disable(manager, actor, { ...person, ...renamed })));
      if (disabled === false && person.disabledAt !== null) {
        await manager.update(Person, { id }, { disabledAt: null });
        await recordAudit(manager, { actor, action: 'person.enable', subject: { id, name: renamed.name } });
      }
      await announce(manager, 'access');
      return this.find(manager, id);
    });
    await this.sessions.forget(ended);
    return view;
  }

  async link(actor: Actor, id: string): Promise<PersonLinkView> {
    return this.dataSource.transaction(async (manager) => {
      const { name, login, password, disabledAt } = await this.find(manager, id);
      if (login === null || disabledAt !== null) throw new DomainError('cannot_sign_in', login === null ? 'The person has no login. Give them one first.' : 'The person is disabled. Enable them first.');
      const link = await offerLink(manager, id, password ? 'reset' : 'invitation', this.linkContext());
      await recordAudit(manager, { actor, action: 'person.link', subject: { id, name, purpose: link.purpose } });
      return link;
    });
  }

  /** All that acts for the person ends, for ever: enabling them again brings none of it back. */
  private async disable(manager: EntityManager, actor: Actor, { id, name }: Person): Promise<string[]> {
    const now = this.clock.now();
    return keepAdministrator(manager, now, async () => {
      await manager.update(Person, { id }, { disabledAt: now });
      await manager.delete(PersonLink, { personId: id });
      await forgetDevices(manager, id);
      await recordAudit(manager, { actor, action: 'person.disable', subject: { id, name } });
      const sessions = await this.sessions.end(manager, actor, { personId: id }, 'disabled');
      const [tokens] = await manager.query<[{ id: string; name: string }[], number]>(
        `UPDATE credential SET revoked_at = $2 WHERE person_id = $1 AND kind = 'token' AND revoked_at IS NULL RETURNING id, name`,
        [id, now],
      );
      for (const token of tokens) await recordAudit(manager, { actor, action: 'token.revoke', subject: { id: token.id, name: token.name, person: id } });
      return [...sessions, ...tokens.map((token) => token.id)];
    });
  }

  private async insertIdentity(manager: EntityManager, personId: string, subject: string): Promise<void> {
    const { issuer } = this.settings.oidc;
    if (issuer === undefined) throw new DomainError('malformed_request', 'There is no identity provider: TRIMTAB_OIDC_ISSUER is not set.', { pointer: '/oidcSubject' });
    try {
      await manager.insert(PersonIdentity, { issuer, subject, personId, createdAt: this.clock.now() });
    } catch (error) {
      if (!violatesUnique(error, 'person_identity_key')) throw error;
      throw new DomainError('name_taken', 'Somebody is known by this subject already.', { pointer: '/oidcSubject', cause: error });
    }
  }

  private async find(manager: EntityManager, id: string): Promise<PersonView> {
    const [row] = await manager.query<PersonRow[]>(`${PEOPLE} WHERE p.id = $2`, [this.clock.now(), id]);
    if (row === undefined) throw notFound(id);
    return viewOf(row);
  }

  private linkContext(): { now: Date; publicUrl: string | undefined } {
    return { now: this.clock.now(), publicUrl: this.settings.publicUrl };
  }
}

export function notFound(id: string): DomainError {
  return new DomainError('person_not_found', `There is no person with the id ${id}.`);
}

function viewOf(this: void, { id, login, name, groups, password, oidc, link_expires_at: linkExpiresAt, created_at: createdAt, disabled_at: disabledAt }: PersonRow): PersonView {
  return {
    id,
    login,
    name,
    groups,
    password,
    oidc,
    linkExpiresAt: linkExpiresAt?.toISOString() ?? null,
    createdAt: createdAt.toISOString(),
    disabledAt: disabledAt?.toISOString() ?? null,
  };
}
