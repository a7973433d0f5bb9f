import type { CST } from 'yaml';
import { errorAt, type Place } from './source-text';

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
    if (depth > maxDepth) throw errorAt('document_too_deep', at(token.offset), `nested deeper than ${maxDepth} levels.`);
    for (const item of token.items as CST.CollectionItem[]) {
      if (item.key) pending.push({ token: item.key, depth: depth + 1 });
      if (item.value) pending.push({ token: item.value, depth: depth + 1 });
    }
  }
}
