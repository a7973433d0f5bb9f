import type { JsonValue } from '@trimtab/client/protocol';
import type { Path } from './document-type';
import type { Splice } from './splice';
import type { Block, Spot } from './syntax-tree';

/** How one format writes values into a source that exists. */
export interface Pen {
  /** Whether one entry can name several levels. */
  readonly joinsKeys: boolean;
  /** Whether there are only leaves: an object is one entry for each. */
  readonly flat: boolean;
  /** Whether a map may have a header and stand at the end of the file. */
  readonly sections: boolean;
  /** The splices that put another value in the place of one. `path` is for errors. */
  replace(spot: Spot, value: JsonValue, path: Path): Splice[];
  /** An entry of a map, as it stands after the block's indentation. `keys` are its levels below the block. */
  member(keys: Path, value: JsonValue, block: Block, path: Path): string;
  /** An item of a list. */
  item(value: JsonValue, block: Block, path: Path): string;
}

/** What a pen needs to know of the source it writes into. */
export interface Page {
  readonly text: string;
  readonly eol: string;
  /** One level of indentation. */
  readonly step: string;
}

export function pageOf(text: string): Page {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const indented = /\n(\t| {1,8})(?=[^\s#])/.exec(text);
  return { text, eol, step: indented?.[1] ?? '  ' };
}
