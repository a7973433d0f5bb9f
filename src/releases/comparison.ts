import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { diffText } from '../documents/diff-text';
import { diffValues, type KeyChange } from '../documents/diff-values';
import type { ContentStore } from './content-store';
import { sameEntry, type EntryKind, type LayerEntry } from './layer-entry';

/** How one document, schema or list of includes differs between two sides. */
export class EntryComparison {
  @ApiProperty({ enum: ['document', 'schema', 'includes'] })
  kind!: EntryKind;

  @ApiProperty()
  name!: string;

  @ApiProperty({ enum: ['add', 'remove', 'replace'] })
  op!: 'add' | 'remove' | 'replace';

  @ApiProperty({ description: 'Unified difference of the sources.' })
  text!: string;

  @ApiProperty({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    description: 'What changed key by key: path (RFC 6901), op, before, after. Of a text document the whole text.',
  })
  changes!: readonly KeyChange[];

  @ApiPropertyOptional({ description: 'The format, when it changed.' })
  format?: { before: string; after: string };
}

interface Side {
  readonly label: string;
  readonly entries: ReadonlyMap<string, LayerEntry>;
}

/** Every entry that differs, by text and by key, in the order of their names. */
export async function compareEntries(before: Side, after: Side, contents: ContentStore): Promise<EntryComparison[]> {
  const keys = [...new Set([...before.entries.keys(), ...after.entries.keys()])].sort();
  const result: EntryComparison[] = [];
  for (const key of keys) {
    const was = before.entries.get(key);
    const is = after.entries.get(key);
    if (sameEntry(was, is)) continue;
    const [previous] = was ? await contents.parsed([was]) : [undefined];
    const [next] = is ? await contents.parsed([is]) : [undefined];
    const { kind, name } = (is ?? was)!;
    result.push({
      kind,
      name,
      op: was === undefined ? 'add' : is === undefined ? 'remove' : 'replace',
      text: diffText(previous?.source ?? '', next?.source ?? '', { before: `${before.label}/${name}`, after: `${after.label}/${name}` }),
      changes: diffValues(previous?.value, next?.value),
      ...(was && is && was.type.format !== is.type.format ? { format: { before: was.type.format, after: is.type.format } } : {}),
    });
  }
  return result;
}

