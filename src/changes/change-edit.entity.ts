import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Format, KeyStyle } from '../documents/document-type';
import { bigintAsNumber } from '../kernel/bigint-column';
import type { EntryKind } from '../releases/layer-entry';

/** What a change does to one entry of one layer, and the entry it started from. */
@Entity({ name: 'change_edit' })
export class ChangeEdit {
  @PrimaryColumn({ name: 'change_id', type: 'bigint', transformer: bigintAsNumber })
  changeId!: number;

  @PrimaryColumn({ name: 'service_id', type: 'integer' })
  serviceId!: number;

  @PrimaryColumn({ name: 'environment_id', type: 'integer' })
  environmentId!: number;

  @PrimaryColumn({ type: 'text' })
  kind!: EntryKind;

  @PrimaryColumn({ type: 'text' })
  name!: string;

  /** `hash`, `format` and `keys` are null when the edit deletes the entry. */
  @Column({ type: 'text', nullable: true })
  format!: Format | null;

  @Column({ type: 'text', nullable: true })
  keys!: KeyStyle | null;

  @Column({ type: 'bytea', nullable: true })
  hash!: Buffer | null;

  /** The layer's version the edit started from; 0 when the layer had none. */
  @Column({ name: 'base_version', type: 'integer' })
  baseVersion!: number;

  @Column({ name: 'base_format', type: 'text', nullable: true })
  baseFormat!: Format | null;

  @Column({ name: 'base_keys', type: 'text', nullable: true })
  baseKeys!: KeyStyle | null;

  @Column({ name: 'base_hash', type: 'bytea', nullable: true })
  baseHash!: Buffer | null;
}
