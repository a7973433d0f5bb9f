import { Inject, Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { recordAct, recordAudit } from '../audit/record-audit';
import { violatesUnique } from '../database/constraint';
import type { PersonName } from '../kernel/actor';
import { CLOCK, type Clock } from '../kernel/clock';
import { announce } from '../notify/announce';
import { SETTINGS, type Settings } from '../settings/settings';
import { Arrivals, type Arrival, type Arrived } from './arrivals';
import { insertPerson } from './first-administrator';
import { refused, type Identity } from './identity-provider';
import { PersonIdentity } from './person-identity.entity';
import { strangerOf, type RequestOrigin } from './request-origin';

interface KnownPerson extends PersonName {
  readonly disabled: boolean;
}

/**
 * People who sign in elsewhere. They are who the provider says by (issuer, subject), and by nothing else: an address or a
 * name could be somebody else's tomorrow.
 */
@Injectable()
export class OidcPeople {
  constructor(
    private readonly dataSource: DataSource,
    private readonly arrivals: Arrivals,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async arrive(identity: Identity, arrival: Arrival): Promise<Arrived> {
    try {
      return await this.admit(identity, arrival);
    } catch (error) {
      // The same person signs in for the first time in two windows: the other has made the person.
      if (!violatesUnique(error, 'person_identity_key')) throw error;
      return this.admit(identity, arrival);
    }
  }

  /** Tells the audit that somebody was not let in. */
  async refuse(origin: RequestOrigin, subject: Readonly<Record<string, unknown>>): Promise<void> {
    await recordAct(this.dataSource, { actor: strangerOf(origin), action: 'session.refuse', subject: { method: 'oidc', ...subject } });
  }

  private async admit(identity: Identity, arrival: Arrival): Promise<Arrived> {
    const known = await this.find(this.dataSource.manager, identity, '');
    if (known?.disabled === true) {
      await this.refuse(arrival.origin, { reason: 'disabled', person: known.id });
      throw refused('the person is disabled here');
    }
    if (known === undefined && this.settings.oidc.newPeople === 'refuse') {
      await this.refuse(arrival.origin, { reason: 'unknown', issuer: identity.issuer, oidcSubject: identity.subject });
      throw refused('nobody here is known by it, and an administrator has to name people first');
    }
    return this.arrivals.admit('oidc', arrival, async (manager) => {
      const person = (await this.find(manager, identity, 'FOR UPDATE OF p')) ?? (await this.create(manager, identity, arrival.origin));
      if (person.disabled) throw refused('the person is disabled here');
      await this.replaceGroups(manager, person, identity.groups, arrival.origin);
      return { id: person.id, name: person.name };
    });
  }

  private async find(manager: EntityManager, { issuer, subject }: Identity, lock: string): Promise<KnownPerson | undefined> {
    const rows = await manager.query<KnownPerson[]>(
      `SELECT p.id, p.name, p.disabled_at IS NOT NULL AS disabled FROM person_identity i JOIN person p ON p.id = i.person_id WHERE i.issuer = $1 AND i.subject = $2 ${lock}`,
      [issuer, subject],
    );
    return rows[0];
  }

  private async create(manager: EntityManager, { issuer, subject, name }: Identity, origin: RequestOrigin): Promise<KnownPerson> {
    const [id, createdAt] = [randomUUID(), this.clock.now()];
    await insertPerson(manager, { id, login: null, name, createdAt, disabledAt: null });
    await manager.insert(PersonIdentity, { issuer, subject, personId: id, createdAt });
    await recordAudit(manager, { actor: strangerOf(origin), action: 'person.create', subject: { id, name, by: 'oidc', oidcSubject: subject } });
    return { id, name, disabled: false };
  }

  /** What the provider does not say any more is over, with every right that came by it, also in sessions that are open. */
  private async replaceGroups(manager: EntityManager, { id, name }: PersonName, groups: readonly string[], origin: RequestOrigin): Promise<void> {
    const [removed] = await manager.query<[{ group_name: string }[], number]>(
      `DELETE FROM group_member WHERE person_id = $1 AND source = 'oidc' AND NOT group_name = ANY($2) RETURNING group_name`,
      [id, groups],
    );
    const added = await manager.query<{ group_name: string }[]>(
      `INSERT INTO group_member (person_id, group_name, source) SELECT $1, g, 'oidc' FROM unnest($2::text[]) AS g ON CONFLICT DO NOTHING RETURNING group_name`,
      [id, groups],
    );
    if (removed.length + added.length === 0) return;
    const namesOf = (rows: readonly { group_name: string }[]): string[] => rows.map((row) => row.group_name).sort();
    await recordAudit(manager, { actor: strangerOf(origin), action: 'person.groups', subject: { id, name, added: namesOf(added), removed: namesOf(removed) } });
    await announce(manager, 'access');
  }
}
