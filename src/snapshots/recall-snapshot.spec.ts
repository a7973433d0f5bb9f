import { etagOf } from '@trimtab/client/protocol';
import type { DiskCopy } from '../copy/disk-copy';
import { DomainError } from '../kernel/domain-error';
import { isAnswer, recallSnapshot } from './recall-snapshot';
import type { SnapshotOrigin } from './snapshot-origin';

const TARGET = { service: 'orders', environment: 'base' };
const DOCUMENTS = { application: { format: 'json', value: { n: 1 } } } as const;
const RECORD = { ...TARGET, revision: 3, etag: etagOf(DOCUMENTS), layers: [], documents: DOCUMENTS, sources: {} };

const copyWith = (record: object): DiskCopy => ({ state: { position: 5 }, find: () => ({ record, dependsOn: ['orders@base'] }) }) as unknown as DiskCopy;
const originAt = (revision: number): SnapshotOrigin => ({ revisionOf: () => revision }) as unknown as SnapshotOrigin;

it.each([0, 3, 5])('gives what is kept when nothing has moved it after the copy (%d)', (revision) => {
  const { snapshot, dependsOn } = recallSnapshot(copyWith(RECORD), originAt(revision), TARGET)!;
  expect([snapshot.revision, snapshot.documents, [...dependsOn]]).toEqual([3, DOCUMENTS, ['orders@base']]);
});

it('gives nothing that the log is known to have moved on from', () => {
  expect(recallSnapshot(copyWith(RECORD), originAt(6), TARGET)).toBeUndefined();
});

it('gives nothing whose documents are not those of its ETag', () => {
  expect(recallSnapshot(copyWith({ ...RECORD, etag: '"another"' }), originAt(0), TARGET)).toBeUndefined();
});

it('tells an answer from a failure', () => {
  const errors = [new DomainError('service_not_found', ''), new DomainError('include_cycle', ''), new DomainError('unavailable', ''), new Error('ECONNREFUSED')];
  expect(errors.map(isAnswer)).toEqual([true, true, false, false]);
});
