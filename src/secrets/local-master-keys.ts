import { readFileSync, statSync } from 'node:fs';
import { DomainError } from '../kernel/domain-error';
import { SettingsError } from '../settings/load-settings';
import { VARIABLES, type Settings } from '../settings/settings';
import { closeBox, KEY_BYTES, openBox } from './key-box';
import type { MasterKeys, WrappedKey } from './master-keys';

const LINE = /^([a-z0-9][a-z0-9._-]{0,62}):([A-Za-z0-9+/]{43}=)$/;
const OTHERS_MAY_READ = 0o004;
const OTHERS_MAY_WRITE = 0o022;

/** Master keys that this process holds itself, the first of them the current one. */
export class LocalMasterKeys implements MasterKeys {
  private readonly keys: ReadonlyMap<string, Buffer>;

  constructor(keys: ReadonlyMap<string, Buffer>) {
    this.keys = keys;
  }

  /** @throws SettingsError that names what is wrong, and never shows a key */
  static from({ masterKeys, masterKeyFile }: Settings['secrets']): LocalMasterKeys {
    if (masterKeys !== undefined) return new LocalMasterKeys(named(VARIABLES.secrets.masterKeys.name, () => parseMasterKeys(masterKeys)));
    if (masterKeyFile === undefined) return new LocalMasterKeys(new Map());
    return new LocalMasterKeys(named(`${VARIABLES.secrets.masterKeyFile.name}: the file ${masterKeyFile}`, () => readMasterKeyFile(masterKeyFile)));
  }

  get current(): string | undefined {
    return this.keys.keys().next().value;
  }

  wrap({ id, service, bytes }: { readonly id: string; readonly service: string; readonly bytes: Buffer }): Promise<Pick<WrappedKey, 'wrapped' | 'masterKey'>> {
    const { current } = this;
    if (current === undefined) return Promise.reject(noMasterKey());
    return Promise.resolve({ wrapped: closeBox(this.keys.get(current)!, bytes, boundTo(id, service)), masterKey: current });
  }

  async unwrap({ id, service, wrapped, masterKey }: WrappedKey): Promise<Buffer | undefined> {
    const key = this.keys.get(masterKey);
    return key && openBox(key, wrapped, boundTo(id, service));
  }
}

export function noMasterKey(): DomainError {
  return new DomainError('master_key_missing', 'This server has no master key, so nothing can be sealed. Make one with "npm run master-key" and give it to every process in TRIMTAB_MASTER_KEY_FILE.');
}

/** `id:base64` each, with line breaks or commas between them. @throws Error that does not quote what is wrong */
export function parseMasterKeys(text: string): Map<string, Buffer> {
  const keys = new Map<string, Buffer>();
  const lines = text.split(/[\n,]/).map((line) => line.trim());
  for (const [index, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [, id, encoded] = LINE.exec(line) ?? [];
    const bytes = encoded === undefined ? undefined : Buffer.from(encoded, 'base64');
    if (id === undefined || bytes?.length !== KEY_BYTES || bytes.toString('base64') !== encoded) {
      throw new Error(`must hold keys as "id:base64 of ${KEY_BYTES} bytes", one to a line; number ${index + 1} is not of this form. "npm run master-key" makes one`);
    }
    if (keys.has(id)) throw new Error(`names the key ${id} twice`);
    keys.set(id, bytes);
  }
  if (keys.size === 0) throw new Error('holds no key');
  return keys;
}

function readMasterKeyFile(file: string): Map<string, Buffer> {
  const { mode } = statSync(file);
  if (process.platform !== 'win32' && (mode & (OTHERS_MAY_READ | OTHERS_MAY_WRITE)) !== 0) {
    throw new Error(`can be read by everybody or written by others (mode ${(mode & 0o777).toString(8).padStart(4, '0')}): chmod 0400`);
  }
  return parseMasterKeys(readFileSync(file, 'utf8'));
}

function named<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new SettingsError([`${name} ${code === undefined ? message : `cannot be read (${code})`}.`]);
  }
}

function boundTo(id: string, service: string): readonly string[] {
  return ['trimtab data key', '1', id, service];
}
