/** Finds texts in whatever was written, also where they were encoded on the way. */
export interface Traces {
  /** The spellings that occur. */
  in(text: string): string[];
}

export function traces(texts: readonly string[]): Traces {
  const spellings = new Set(texts.flatMap(spellingsOf));
  return { in: (text) => [...spellings].filter((spelling) => text.includes(spelling)) };
}

function spellingsOf(text: string): string[] {
  const bytes = Buffer.from(text);
  const json = JSON.stringify(text).slice(1, -1);
  return [
    text,
    json,
    JSON.stringify(json).slice(1, -1),
    encodeURIComponent(text),
    new URLSearchParams({ a: text }).toString().slice(2),
    bytes.toString('hex'),
    Buffer.from(json).toString('hex'),
    ...base64Of(text),
    ...base64Of(json),
  ];
}

/** What of its base64 is the same whatever stands around it, for each of the three places it can begin at. */
function base64Of(text: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.from(`${'x'.repeat(before)}${text}`).toString('base64').replace(/=+$/, '');
    const own = encoded.slice(before === 0 ? 0 : 4, -2);
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
