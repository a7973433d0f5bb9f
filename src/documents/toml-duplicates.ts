import { parseTOML, type AST } from 'toml-eslint-parser';
import { lineStart } from './splice';

/** A source of this size is not parsed a second time just to make an error more helpful. */
const MAX_LENGTH = 200_000;

/**
 * The parser stops at the second definition of a key and tells only where that is. All that stands before its statement
 * parses on its own, and the first definition is in there.
 */
export function firstDefinition(text: string, offset: number): { key: string; offset: number } | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const start = lineStart(text, offset);
  try {
    const before = parseTOML(text.slice(0, start)).body[0];
    const [statement] = parseTOML(`${/^[^\r\n]*/.exec(text.slice(start))?.[0] ?? ''}`).body[0].body;
    if (statement === undefined) return undefined;
    const header = before.body.findLast((node) => node.type === 'TOMLTable');
    const path = statement.type === 'TOMLTable' ? namesOf(statement.key) : [...(header?.resolvedKey ?? []), ...namesOf(statement.key)];
    return search(before, path);
  } catch {
    // Inside a value of several lines neither part need parse; the error then names the second place only.
    return undefined;
  }
}

function search(top: AST.TOMLTopLevelTable, path: readonly (string | number)[]): { key: string; offset: number } | undefined {
  const wanted = JSON.stringify(path).slice(0, -1);
  let found: { key: string; offset: number } | undefined;
  const consider = (definition: readonly (string | number)[], at: number): void => {
    const text = JSON.stringify(definition).slice(0, -1);
    const clashes = text === wanted || wanted.startsWith(`${text},`) || text.startsWith(`${wanted},`);
    // The same key is a better answer than one above or below it.
    if (clashes && (found === undefined || text === wanted)) found = { key: path.join('.'), offset: at };
  };
  for (const node of top.body) {
    if (node.type === 'TOMLKeyValue') consider(namesOf(node.key), node.range[0]);
    else {
      if (JSON.stringify(node.resolvedKey).slice(0, -1) === wanted) consider(node.resolvedKey, node.range[0]);
      for (const entry of node.body) consider([...node.resolvedKey, ...namesOf(entry.key)], entry.range[0]);
    }
  }
  return found;
}

function namesOf(key: AST.TOMLKey): string[] {
  return key.keys.map((part) => (part.type === 'TOMLBare' ? part.name : part.value));
}
