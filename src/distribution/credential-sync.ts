import type { CredentialStore, HashedCredential } from '../access/credential-store';
import { credentialKey, type CredentialEntry } from '../nats/entries';
import type { BucketContents } from './bucket-contents';
import type { BucketWriter } from './bucket-writer';

/** Keeps the bucket's client keys those that can be used. Administrator tokens stay where the database is. */
export class CredentialSync {
  constructor(
    private readonly credentials: CredentialStore,
    private readonly contents: BucketContents,
    private readonly writer: BucketWriter,
  ) {}

  async run(): Promise<void> {
    if (!this.contents.loaded) return;
    const keys = (await this.credentials.usable()).filter(({ kind }) => kind === 'client-key');
    // The secret that was replaced comes first, so that no edge misses it in between.
    const ordered = [...keys.filter(({ isPrevious }) => isPrevious), ...keys.filter(({ isPrevious }) => !isPrevious)];
    const wanted = new Map(ordered.map((key) => [credentialKey(key.id, key.isPrevious), entryOf(key)]));
    // What must no longer be used goes first.
    for (const key of [...this.contents.keys(credentialKey(''))]) if (!wanted.has(key)) await this.writer.delete(key);
    for (const [key, entry] of wanted) if (!isSame(this.contents.value(key), entry)) await this.writer.put(key, entry);
  }
}

function entryOf({ name, hash, service = '', environment = '', expiresAt }: HashedCredential): CredentialEntry {
  return { name, hash, service, environment, ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }) };
}

function isSame(known: unknown, entry: CredentialEntry): boolean {
  return JSON.stringify(known) === JSON.stringify(entry);
}
