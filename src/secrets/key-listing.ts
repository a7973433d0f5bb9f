import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { DataKeys } from './data-keys';

export interface DataKeyListing {
  readonly id: string;
  readonly service: string;
  readonly masterKey: string;
  readonly createdAt: Date;
  readonly retiredAt: Date | null;
  readonly readable: boolean;
}

interface ListedRow {
  readonly id: string;
  readonly service: string;
  readonly master_key: string;
  readonly created_at: Date;
  readonly retired_at: Date | null;
}

/** The data keys there are, and whether they can be opened here: what to look at before a master key is dropped. */
@Injectable()
export class KeyListing {
  constructor(
    private readonly dataSource: DataSource,
    private readonly keys: DataKeys,
  ) {}

  /** By service and id, after a position of the same list. */
  async list(after: readonly [service: string, id: string] | undefined, limit: number): Promise<DataKeyListing[]> {
    const [service, id] = after ?? ['', ''];
    const rows = await this.dataSource.query<ListedRow[]>(
      `SELECT k.id, s.name AS service, k.master_key, k.created_at, k.retired_at
         FROM data_key k JOIN service s ON s.id = k.service_id
        WHERE (s.name, k.id::text) > ($1, $2)
        ORDER BY s.name, k.id::text LIMIT $3`,
      [service, id, limit],
    );
    const readable = await Promise.all(rows.map(async (row) => typeof (await this.keys.open(row.id)) === 'object'));
    return rows.map((row, index) => ({
      id: row.id,
      service: row.service,
      masterKey: row.master_key,
      createdAt: row.created_at,
      retiredAt: row.retired_at,
      readable: readable[index]!,
    }));
  }
}
