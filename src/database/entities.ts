import type { EntitySchema, MixedList } from 'typeorm';
import { ChangeEdit } from '../changes/change-edit.entity';
import { Change } from '../changes/change.entity';
import { DocumentContent } from '../releases/document-content.entity';
import { Layer } from '../releases/layer.entity';
import { ReleaseDocument } from '../releases/release-document.entity';
import { Release } from '../releases/release.entity';
import { RevisionRecord } from '../releases/revision.entity';

/** Every entity, by name: a glob would load different files from `src` and from `dist`. */
export const entities: MixedList<Function | string | EntitySchema> = [
  Change,
  ChangeEdit,
  DocumentContent,
  Layer,
  Release,
  ReleaseDocument,
  RevisionRecord,
];
