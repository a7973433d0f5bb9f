import fc from 'fast-check';
import { randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { JsonValue } from '@trimtab/client/protocol';
import { BoxDamaged } from './key-box';
import { LocalMasterKeys, parseMasterKeys } from './local-master-keys';
import { parseSealed, sealValue, unsealValue, type DataKey } from './sealed-text';

const KEY: DataKey = { id: randomUUID(), service: 'orders', bytes: randomBytes(32) };
const LAYER = { service: 'orders', environment: 'production' };
const anyValue = fc.jsonValue() as fc.Arbitrary<JsonValue>;
const plain = (value: JsonValue): JsonValue => JSON.parse(JSON.stringify(value)) as JsonValue;

it('gives back any JSON value', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      expect(unsealValue(parseSealed(sealValue(value, KEY, LAYER))!, KEY, LAYER)).toEqual(plain(value));
    }),
  );
});

it('never seals to the same text twice', () => {
  const texts = new Set(Array.from({ length: 1_000 }, () => sealValue('same', KEY, LAYER)));
  expect(texts.size).toBe(1_000);
});

it('notices any bit that was flipped', () => {
  fc.assert(
    fc.property(anyValue, fc.nat(), fc.nat({ max: 7 }), (value, at, bit) => {
      const sealed = parseSealed(sealValue(value, KEY, LAYER))!;
      const box = Buffer.from(sealed.box);
      const index = at % box.length;
      box[index] = box[index]! ^ (1 << bit);
      expect(() => unsealValue({ ...sealed, box }, KEY, LAYER)).toThrow(BoxDamaged);
    }),
  );
});

it('notices any character that was changed', () => {
  const text = sealValue({ password: 'hunter2' }, KEY, LAYER);
  for (let at = 0; at < text.length; at += 1) {
    const changed = `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
    const sealed = parseSealed(changed);
    if (sealed !== undefined) expect(() => unsealValue(sealed, KEY, LAYER)).toThrow(BoxDamaged);
  }
});

it.each([
  ['another environment', KEY, { service: 'orders', environment: 'staging' }],
  ['another service', KEY, { service: 'billing', environment: 'production' }],
  ['names that only look alike when they are written one after the other', KEY, { service: 'order', environment: 'sproduction' }],
  ['another key of the same id', { ...KEY, bytes: randomBytes(32) }, LAYER],
  ['another key', { ...KEY, id: randomUUID() }, LAYER],
])('is not read with %s', (_what, key, layer) => {
  const sealed = parseSealed(sealValue('secret', KEY, LAYER))!;
  expect(() => unsealValue(sealed, key, layer)).toThrow(BoxDamaged);
});

it('is not read by an id that was put in the place of its own', () => {
  const other = { ...KEY, id: randomUUID() };
  const text = sealValue('secret', KEY, LAYER).replace(KEY.id, other.id);
  expect(() => unsealValue(parseSealed(text)!, other, LAYER)).toThrow(BoxDamaged);
});

it.each(['trimtab:sealed:2:x', 'trimtab:sealed:1:', `trimtab:sealed:1:${KEY.id}:`, `trimtab:sealed:1:${KEY.id}:AB==`, `trimtab:sealed:1:${KEY.id}:AB`, ' trimtab:sealed:1:x:y', ''])(
  'takes %j for no sealed text',
  (text) => {
    expect(parseSealed(text)).toBeUndefined();
  },
);

describe('given master keys', () => {
  const line = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
  const old = line('mk-1');
  const both = `# the newest first\n${line('mk-2')}\n${old}\n`;
  const keysOf = (text: string): LocalMasterKeys => new LocalMasterKeys(parseMasterKeys(text));

  it('wraps with the first, and unwraps with any', async () => {
    const wrapped = { id: KEY.id, service: 'orders', retired: false, ...(await keysOf(old).wrap(KEY)) };
    expect([wrapped.masterKey, keysOf(both).current]).toEqual(['mk-1', 'mk-2']);
    expect(await keysOf(both).unwrap(wrapped)).toEqual(KEY.bytes);
  });

  it('says that a key is not here, and notices one that is of another service', async () => {
    const wrapped = { id: KEY.id, service: 'orders', retired: false, ...(await keysOf(old).wrap(KEY)) };
    expect(await keysOf(line('mk-3')).unwrap(wrapped)).toBeUndefined();
    await expect(keysOf(old).unwrap({ ...wrapped, service: 'billing' })).rejects.toThrow(BoxDamaged);
  });

  it.each(['', '# nothing', 'mk-1', 'mk-1:c2hvcnQ=', `mk-1:${'A'.repeat(43)}`, `${old}\n${old}`])('refuses %j without quoting it', (text) => {
    expect(() => parseMasterKeys(text)).toThrow(/^(?!.*AAAA)(?!.*c2hvcnQ)/s);
  });
});

describe('given a file with master keys', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'trimtab-keys-'));
    file = path.join(folder, 'keys');
    writeFileSync(file, `mk-1:${randomBytes(32).toString('base64')}\n`);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const read = (mode: number): LocalMasterKeys => {
    chmodSync(file, mode);
    return LocalMasterKeys.from({ masterKeys: undefined, masterKeyFile: file });
  };

  it.each([0o400, 0o600, 0o440])('reads one of mode %o', (mode) => {
    expect(read(mode).current).toBe('mk-1');
  });

  it.each([0o644, 0o604, 0o660, 0o602])('refuses one of mode %o, which is not for its owner alone', (mode) => {
    expect(() => read(mode)).toThrow(/^TRIMTAB_MASTER_KEY_FILE: the file \S+ can be read by everybody or written by others/);
  });

  it('says which file is missing', () => {
    expect(() => LocalMasterKeys.from({ masterKeys: undefined, masterKeyFile: `${file}-not` })).toThrow(/^TRIMTAB_MASTER_KEY_FILE: .*ENOENT/);
  });
});
