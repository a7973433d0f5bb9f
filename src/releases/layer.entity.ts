import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from '../kernel/bigint-column';

/** One service in one environment, with its head. The row appears with the layer's first release. */
@Entity({ name: 'layer' })
export class Layer {
  @PrimaryColumn({ type: 'integer' })
  id!: number;

  @Column({ name: 'service_id', type: 'integer' })
  serviceId!: number;

  @Column({ name: 'environment_id', type: 'integer' })
  environmentId!: number;

  /** Version of the head: 1, 2, 3, … */
  @Column({ type: 'integer' })
  version!: number;

  /** The revision that made the head. */
  @Column({ type: 'bigint', transformer: bigintAsNumber })
  revision!: number;
}
