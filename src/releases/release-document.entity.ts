import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Format, KeyStyle } from '../documents/document-type';
import type { EntryKind } from './layer-entry';

/** One line of a release's manifest: which content a name had in that version. */
@Entity({ name: 'release_document' })
export class ReleaseDocument {
  @PrimaryColumn({ name: 'layer_id', type: 'integer' })
  layerId!: number;

  @PrimaryColumn({ type: 'integer' })
  version!: number;

  @PrimaryColumn({ type: 'text' })
  kind!: EntryKind;

  @PrimaryColumn({ type: 'text' })
  name!: string;

  @Column({ type: 'text' })
  format!: Format;

  @Column({ type: 'text' })
  keys!: KeyStyle;

  @Column({ type: 'bytea' })
  hash!: Buffer;
}
