import type { Format } from './document-type';

export const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  toml: 'application/toml',
  properties: 'text/x-java-properties',
  text: 'text/plain',
};

const FORMATS: ReadonlyMap<string, Format> = new Map([
  ...(Object.entries(MEDIA_TYPES) as [Format, string][]).map(([format, type]) => [type, format] as const),
  ['text/yaml', 'yaml'],
  ['text/x-yaml', 'yaml'],
  ['application/x-yaml', 'yaml'],
  ['text/toml', 'toml'],
  ['text/x-properties', 'properties'],
]);

/** The `Content-Type` under which a source of this format is sent. Only `text/…` has a charset (YAML: RFC 9512, JSON: RFC 8259 section 11). */
export function mediaTypeOf(format: Format): string {
  const type = MEDIA_TYPES[format];
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type;
}

/** The format that a `Content-Type` header names, if it names one. */
export function formatOfMediaType(contentType: string | undefined): Format | undefined {
  return FORMATS.get(contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '');
}
