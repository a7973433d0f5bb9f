/**
 * The levels of a key whose dots separate levels. As in Spring, dots between brackets belong to a key of a map
 * (`logging.level[com.example]`), so they do not separate; the brackets stay, as does the index of `a[0]`, because they
 * are the only way to write the same key back. A key with an empty level (`a..b`, `.a`) has no nested form and is
 * taken literally.
 */
export function splitKey(key: string): string[] {
  if (!key.includes('.')) return [key];
  const levels = key.includes('[') ? splitOutsideBrackets(key) : key.split('.');
  return levels.includes('') ? [key] : levels;
}

function splitOutsideBrackets(key: string): string[] {
  const levels: string[] = [];
  let [start, depth] = [0, 0];
  for (let index = 0; index < key.length; index += 1) {
    if (key[index] === '[') depth += 1;
    else if (key[index] === ']') depth = Math.max(0, depth - 1);
    else if (key[index] === '.' && depth === 0) {
      levels.push(key.slice(start, index));
      start = index + 1;
    }
  }
  return [...levels, key.slice(start)];
}
