import { BYTE_ORDER_MARK } from '../documents/source-text';
import { splitYaml, type YamlPart } from '../documents/split-yaml';
import type { ConfigFile } from './repository-files';

/** One of the documents a file holds. `line` is where it begins in the file. */
export type FilePart = YamlPart;

/**
 * The documents of a file that hold something. A file that is one document stays byte for byte as it is; comments that
 * stood in a part of their own (a licence above the first `---`, say) move to the part that follows.
 */
export function splitFile({ content, type }: Pick<ConfigFile, 'content' | 'type'>): FilePart[] {
  switch (type.format) {
    case 'yaml':
      return splitKeepingComments(content);
    case 'properties':
      return splitProperties(content);
    default:
      return content.trim() === '' ? [] : [{ source: content, line: 1 }];
  }
}

function splitKeepingComments(content: string): FilePart[] {
  const text = content.startsWith(BYTE_ORDER_MARK) ? content.slice(1) : content;
  const parts = splitYaml(content);
  if (parts.length === 1 && parts[0]!.source === text) return [{ source: content, line: 1 }];
  const lines = text.split('\n');
  let next = 1;
  return parts.map(({ source, line }) => {
    const between = lines.slice(next - 1, line - 1).filter((text) => /^\s*#/.test(text));
    next = line + source.split('\n').length - 1;
    return { source: between.map((comment) => `${comment}\n`).join('') + source, line: line - between.length };
  });
}

/** Spring splits properties files at lines of `#---` or `!---`. */
function splitProperties(content: string): FilePart[] {
  const parts: { lines: string[]; line: number }[] = [{ lines: [], line: 1 }];
  for (const [index, line] of content.split(/(?<=\n)/).entries()) {
    if (/^[#!]---\s*$/.test(line)) parts.push({ lines: [], line: index + 2 });
    else parts.at(-1)!.lines.push(line);
  }
  return parts.map(({ lines, line }) => ({ source: lines.join(''), line })).filter(({ source }) => /^[^\S\r\n\u2028\u2029]*[^#!\s]/m.test(source));
}
