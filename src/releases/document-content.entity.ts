import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A source, stored once by the SHA-256 of its bytes and shared by every release that has it. */
@Entity({ name: 'document_content' })
export class DocumentContent {
  @PrimaryColumn({ type: 'bytea' })
  hash!: Buffer;

  @Column({ type: 'bytea' })
  content!: Buffer;
}
