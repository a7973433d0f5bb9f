import { Inject, Injectable } from '@nestjs/common';
import { randomBytes, randomUUID } from 'node:crypto';
import { DataSource, IsNull, type EntityManager } from 'typeorm';
import { recordAudit } from '../audit/record-audit';
import { Catalog } from '../catalog/catalog';
import type { Actor } from '../kernel/actor';
import { DomainError } from '../kernel/domain-error';
import type { LayerName } from '../kernel/names';
import { announce } from '../notify/announce';
import { StoredDataKey } from './data-key.entity';
import { DataKeys } from './data-keys';
import { KEY_BYTES } from './key-box';
import type { DataKeyListing } from './key-listing';
import { noMasterKey } from './local-master-keys';
import { MASTER_KEYS, type MasterKeys } from './master-keys';
import type { DataKey } from './sealed-text';

/** What re-wrapping has done. */
export interface Rewrapped {
  /** The master key that everything which could be opened is wrapped with now. */
  readonly masterKey: string;
  readonly rewrapped: number;
  /** Ids of the data keys that could not be opened here, and stay as they are. */
  readonly unreadable: readonly string[];
}

/** Makes data keys, retires them, and wraps them anew. */
@Injectable()
export class KeyRing {
  constructor(
    private readonly dataSource: DataSource,
    private readonly catalog: Catalog,
    private readonly keys: DataKeys,
    @Inject(MASTER_KEYS) private readonly masters: MasterKeys,
  ) {}

  /** The key to seal values of a layer with; the first one of a service is made when it is first needed. */
  async keyFor({ service, environment }: LayerName, actor: Actor): Promise<DataKey> {
    const [{ id: serviceId }] = await Promise.all([this.catalog.service(service), this.catalog.environment(environment)]);
    // Without a master key nothing is sealed, also where a key has been opened before: a server says what it has.
    if (this.masters.current === undefined) throw noMasterKey();
    const current = (await this.keys.currentOf(service)) ?? (await this.make(service, serviceId, actor, false));
    const key = await this.keys.open(current.id);
    if (typeof key === 'object') return key;
    if (key === 'master_key_missing') {
      throw new DomainError('master_key_missing', `The data key of ${service} is wrapped with a master key that this server does not have. Give it that key as well, or start a new data key: POST /api/v1/services/${service}/data-keys.`);
    }
    throw new DomainError('unavailable', `The data key of ${service} cannot be opened right now. Try again in a moment.`);
  }

  /** Starts a new data key: what is sealed from now on is sealed with it, what was sealed before is still read. */
  async startNew(service: string, actor: Actor): Promise<DataKeyListing> {
    const { id: serviceId } = await this.catalog.service(service);
    if (this.masters.current === undefined) throw noMasterKey();
    const made = await this.make(service, serviceId, actor, true);
    const { id, masterKey, createdAt, retiredAt } = await this.dataSource.manager.findOneByOrFail(StoredDataKey, { id: made.id });
    return { id, service, masterKey, createdAt, retiredAt, readable: true };
  }

  /** @throws DomainError `master_key_missing` */
  async rewrap(actor: Actor): Promise<Rewrapped> {
    const masterKey = this.masters.current;
    if (masterKey === undefined) throw noMasterKey();
    const result = await this.dataSource.transaction(async (manager) => {
      const stored = await manager.find(StoredDataKey, { lock: { mode: 'pessimistic_write' } });
      const names = await this.serviceNames(manager);
      const unreadable: string[] = [];
      let rewrapped = 0;
      for (const key of stored) {
        if (key.masterKey === masterKey) continue;
        const service = names.get(key.serviceId)!;
        const bytes = await this.masters.unwrap({ ...key, service, retired: key.retiredAt !== null }).catch(() => undefined);
        if (bytes === undefined) {
          unreadable.push(key.id);
          continue;
        }
        await manager.update(StoredDataKey, { id: key.id }, await this.masters.wrap({ id: key.id, service, bytes }));
        rewrapped += 1;
      }
      await recordAudit(manager, { actor, action: 'data-key.rewrap', subject: { masterKey, rewrapped, unreadable } });
      await announce(manager, 'access');
      return { masterKey, rewrapped, unreadable };
    });
    await this.keys.refresh();
    return result;
  }

  private async make(service: string, serviceId: number, actor: Actor, retire: boolean): Promise<Pick<StoredDataKey, 'id'>> {
    const id = randomUUID();
    const wrapped = await this.masters.wrap({ id, service, bytes: randomBytes(KEY_BYTES) });
    const made = await this.dataSource.transaction(async (manager) => {
      // One after the other: two that make the first key of a service end on the same one.
      await manager.query('SELECT 1 FROM service WHERE id = $1 FOR NO KEY UPDATE', [serviceId]);
      const current = await manager.findOneBy(StoredDataKey, { serviceId, retiredAt: IsNull() });
      if (current !== null && !retire) return current;
      const retired = current === null ? {} : { retired: current.id };
      if (current !== null) await manager.query('UPDATE data_key SET retired_at = now() WHERE id = $1', [current.id]);
      await manager.insert(StoredDataKey, { id, serviceId, ...wrapped });
      await recordAudit(manager, { actor, action: 'data-key.create', subject: { id, service, masterKey: wrapped.masterKey, ...retired } });
      await announce(manager, 'access');
      return { id };
    });
    await this.keys.refresh();
    return made;
  }

  private async serviceNames(manager: EntityManager): Promise<ReadonlyMap<number, string>> {
    const rows = await manager.query<{ id: number; name: string }[]>('SELECT id, name FROM service WHERE id IN (SELECT service_id FROM data_key)');
    return new Map(rows.map(({ id, name }) => [id, name]));
  }
}
