import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { DiskCopy } from '../copy/disk-copy';
import { DomainError } from '../kernel/domain-error';
import { LogListener } from '../notify/log-listener';
import type { DataKeyStore } from './data-key-store';
import type { WrappedKey } from './master-keys';

interface KeyRow {
  readonly id: string;
  readonly service: string;
  readonly wrapped: Buffer;
  readonly master_key: string;
  readonly retired: boolean;
}

/** The data keys in the database; until it has been open, those in the disk copy. */
@Injectable()
export class StoredDataKeys implements DataKeyStore {
  constructor(
    private readonly dataSource: DataSource,
    private readonly log: LogListener,
    private readonly copy: DiskCopy,
  ) {}

  async read(): Promise<WrappedKey[]> {
    if (!this.dataSource.isInitialized) return this.copied();
    const rows = await this.dataSource.query<KeyRow[]>(
      `SELECT k.id, s.name AS service, k.wrapped, k.master_key, k.retired_at IS NOT NULL AS retired
         FROM data_key k JOIN service s ON s.id = k.service_id`,
    );
    return rows.map(({ id, service, wrapped, master_key: masterKey, retired }) => ({ id, service, wrapped, masterKey, retired }));
  }

  onChange(listener: () => Promise<void>): () => void {
    let told: number | undefined;
    if (!this.dataSource.isInitialized) void listener();
    // Keys are announced together with credentials: both are rare, and what hears of one may well read the other.
    return this.log.subscribe(async ({ access }) => {
      if (access === told) return;
      const isOpen = this.dataSource.isInitialized;
      await listener();
      if (isOpen) told = access;
      else throw new DomainError('unavailable', 'The database is not open yet.');
    });
  }

  private copied(): WrappedKey[] {
    return (this.copy.state?.dataKeys ?? []).map(({ wrapped, retired = false, ...key }) => ({ ...key, retired, wrapped: Buffer.from(wrapped, 'base64') }));
  }
}
