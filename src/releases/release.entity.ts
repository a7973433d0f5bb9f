import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from '../kernel/bigint-column';

/** What a revision did to one layer. Never updated, never deleted. */
@Entity({ name: 'release' })
export class Release {
  @PrimaryColumn({ name: 'layer_id', type: 'integer' })
  layerId!: number;

  @PrimaryColumn({ type: 'integer' })
  version!: number;

  @Column({ type: 'bigint', transformer: bigintAsNumber })
  revision!: number;

  /** Whether the layer's includes differ from the version before: such a release can change who depends on whom. */
  @Column({ name: 'includes_changed', type: 'boolean' })
  includesChanged!: boolean;
}
