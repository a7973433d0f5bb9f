import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { DataSource } from 'typeorm';
import { parseDocument, type ParsedDocument } from '../documents/parse-document';
import type { LayerEntry } from './layer-entry';

const SOURCE_CACHE_BYTES = 64 * 1024 * 1024;
/** Room for one document of 16 MiB, which would otherwise be parsed again by everyone who asks. */
const PARSED_CACHE_BYTES = 96 * 1024 * 1024;
/** Read with one statement when many are needed; few enough that large ones do not fill the memory together. */
const PRELOADED_AT_ONCE = 64;

/** Sources by hash. A proposal reads its own, unsaved ones through {@link withProposed}. */
export interface Contents {
  /** @throws Error when a hash is unknown: a manifest never names content that is not stored. */
  sources(hashes: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** Document sources from the database, and their parsed form, both immutable and so cached without a thought. */
@Injectable()
export class ContentStore implements Contents {
  private readonly sourceCache = new LRUCache<string, string>({
    maxSize: SOURCE_CACHE_BYTES,
    sizeCalculation: (source) => source.length + 64,
  });

  private readonly parsedCache = new LRUCache<string, ParsedDocument>({
    maxSize: PARSED_CACHE_BYTES,
    sizeCalculation: (document) => document.source.length * 4 + 256,
  });

  constructor(private readonly dataSource: DataSource) {}

  async sources(hashes: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    const missing = new Set<string>();
    for (const hash of hashes) {
      const source = this.sourceCache.get(hash);
      if (source === undefined) missing.add(hash);
      else found.set(hash, source);
    }
    if (missing.size > 0) {
      const rows = await this.dataSource.query<{ hash: Buffer; content: Buffer }[]>(
        'SELECT hash, content FROM document_content WHERE hash = ANY($1::bytea[])',
        [[...missing].map((hash) => Buffer.from(hash, 'hex'))],
      );
      for (const row of rows) {
        const hash = row.hash.toString('hex');
        const source = row.content.toString('utf8');
        this.remember(hash, source);
        found.set(hash, source);
        missing.delete(hash);
      }
      if (missing.size > 0) throw new Error(`document content ${[...missing].join(', ')} is missing`);
    }
    return found;
  }

  /** Reads what is not at hand of many entries with few statements; {@link parsed} finds it then. */
  async preload(entries: readonly LayerEntry[], contents: Contents = this): Promise<void> {
    const missing = new Set<string>();
    for (const entry of entries) {
      if (!this.parsedCache.has(entryIdentity(entry)) && !this.sourceCache.has(entry.hash)) missing.add(entry.hash);
    }
    const hashes = [...missing];
    for (let from = 0; from < hashes.length; from += PRELOADED_AT_ONCE) {
      await contents.sources(hashes.slice(from, from + PRELOADED_AT_ONCE));
    }
  }

  /** Spares the next reader the database. */
  remember(hash: string, source: string): void {
    this.sourceCache.set(hash, source);
  }

  /** Whether an entry has been parsed before, and so is known to be sound. */
  isParsed(entry: LayerEntry): boolean {
    return this.parsedCache.has(entryIdentity(entry));
  }

  /** Spares the next reader the parsing. */
  rememberParsed(entry: LayerEntry, document: ParsedDocument): void {
    this.parsedCache.set(entryIdentity(entry), document);
  }

  /** The parsed entries, in order. What is stored was checked when it was written, so no limits are applied. */
  async parsed(entries: readonly LayerEntry[], contents: Contents = this): Promise<ParsedDocument[]> {
    const result = new Array<ParsedDocument>(entries.length);
    const missing: number[] = [];
    entries.forEach((entry, index) => {
      const cached = this.parsedCache.get(entryIdentity(entry));
      if (cached) result[index] = cached;
      else missing.push(index);
    });
    if (missing.length === 0) return result;
    const sources = await contents.sources(missing.map((index) => entries[index]!.hash));
    for (const index of missing) {
      const entry = entries[index]!;
      const document = parseDocument(sources.get(entry.hash)!, entry.type, UNLIMITED);
      this.rememberParsed(entry, document);
      result[index] = document;
    }
    return result;
  }
}

const UNLIMITED = { maxBytes: Infinity, maxDepth: Infinity, maxAliasExpansion: Infinity };

/** Entries of which this is the same have the same content, whatever they are called and wherever they stand. */
export function entryIdentity({ hash, type }: LayerEntry): string {
  return `${hash}/${type.format}/${type.keys}`;
}

/** Contents in which what a proposal brings is found before it is stored. */
export function withProposed(stored: Contents, proposed: ReadonlyMap<string, string>): Contents {
  return {
    async sources(hashes) {
      const found = new Map(await stored.sources(hashes.filter((hash) => !proposed.has(hash))));
      for (const hash of hashes) {
        const source = proposed.get(hash);
        if (source !== undefined) found.set(hash, source);
      }
      return found;
    },
  };
}
