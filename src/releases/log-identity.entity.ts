import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from '../kernel/bigint-column';

/** Which log this is, for whoever keeps a copy of it. One row. */
@Entity({ name: 'log_identity' })
export class LogIdentity {
  /** Goes with the data into every backup. */
  @PrimaryColumn({ type: 'uuid' })
  id!: string;

  /** The highest revision known to have been handed out, when the log was found to end before it; 0 if it never was. */
  @Column({ type: 'bigint', transformer: bigintAsNumber })
  seen!: number;
}
