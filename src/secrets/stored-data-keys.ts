import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { DiskCopy } from '../copy/disk-copy';
import { LogListener } from '../notify/log-listener';
import { onAccessChange } from '../notify/on-access-change';
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
    return onAccessChange(this.log, this.dataSource, listener);
  }

  private copied(): WrappedKey[] {
    return (this.copy.state?.dataKeys ?? []).map(({ wrapped, retired = false, ...key }) => ({ ...key, retired, wrapped: Buffer.from(wrapped, 'base64') }));
  }
}
