import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** A microservice, or configuration that services share by including it. */
@Entity({ name: 'service' })
export class Service {
  @PrimaryGeneratedColumn('identity', { generatedIdentity: 'ALWAYS' })
  id!: number;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text' })
  description!: string;

  /** The team that answers for it; free text. */
  @Column({ type: 'text' })
  owner!: string;

  /** Archived services keep their history and their readers, and take no changes. */
  @Column({ name: 'archived_at', type: 'timestamptz', nullable: true })
  archivedAt!: Date | null;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  /** Value of the catalog's counter when the row was written. Made by the database, and only asked for by it. */
  @Column({ type: 'bigint', select: false, insert: false, update: false })
  changed?: string;
}
