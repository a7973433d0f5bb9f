import { Lexer, Parser, type CST } from 'yaml';
import { errorAt, type Place } from './source-text';

/** On the parser's stack besides the collections: the document, and the scalar that is being read. */
const OTHERS_ON_STACK = 2;

/**
 * The tokens of a source. A megabyte of opening brackets would keep the parser busy for many seconds, so it is stopped
 * where it is certain that they are too many; {@link assertYamlDepth} then counts exactly.
 */
export function* yamlTokens(text: string, maxDepth: number, at: (offset: number) => Place): Generator<CST.Token> {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    const { stack } = parser;
    if (stack.length > maxDepth + OTHERS_ON_STACK) throw tooDeep(at(stack[stack.length - 1]?.offset ?? 0), maxDepth);
  }
  yield* parser.end();
}

/**
 * The parser keeps its own stack, but the composer after it recurses; depth is checked in between, without recursion,
 * so that 100,000 opening brackets are an answer and not a crash.
 */
export function assertYamlDepth(root: CST.Token, maxDepth: number, at: (offset: number) => Place): void {
  if (root.type !== 'document' || root.value === undefined) return;
  const pending: { token: CST.Token; depth: number }[] = [{ token: root.value, depth: 1 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { token, depth } = next;
    if (token.type !== 'block-map' && token.type !== 'block-seq' && token.type !== 'flow-collection') continue;
    if (depth > maxDepth) throw tooDeep(at(token.offset), maxDepth);
    for (const item of token.items as CST.CollectionItem[]) {
      if (item.key) pending.push({ token: item.key, depth: depth + 1 });
      if (item.value) pending.push({ token: item.value, depth: depth + 1 });
    }
  }
}

function tooDeep(place: Place, maxDepth: number): Error {
  return errorAt('document_too_deep', place, `nested deeper than ${maxDepth} levels.`);
}
