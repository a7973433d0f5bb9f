import { decodeCursor, pageOf, type Page, type PageQuery } from '../http/page';

const BATCH_SIZE = 500;

/** What the list is sorted by, and the id. */
export type NameAndId = readonly [name: string, id: string];

export interface VisibleRows<Row> {
  /** The next `count` rows after a key, in the order of the list. */
  readonly read: (after: NameAndId | undefined, count: number) => Promise<readonly Row[]>;
  readonly keyOf: (row: Row) => NameAndId;
  /** Decides what no query can: whether the caller may see it. */
  readonly isVisible: (row: Row) => boolean;
}

/** A page of what the caller may see; of the rest nothing shows, not even by a page that is not full. */
export async function visiblePage<Row, View>(
  { read, keyOf, isVisible }: VisibleRows<Row>,
  { cursor, limit }: PageQuery,
  view: (row: Row) => View,
): Promise<Page<View>> {
  const visible: Row[] = [];
  let last: NameAndId | undefined = decodeCursor(cursor, 'string', 'string');
  for (;;) {
    const rows = await read(last, BATCH_SIZE);
    visible.push(...rows.filter(isVisible));
    if (visible.length > limit || rows.length < BATCH_SIZE) return pageOf(visible, limit, keyOf, view);
    last = keyOf(rows.at(-1)!);
  }
}
