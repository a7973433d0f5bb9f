// Makes a master key and prints it, in the form in which TRIMTAB_MASTER_KEYS and TRIMTAB_MASTER_KEY_FILE take it:
// npm run --silent master-key >> keys   (the first line of the file is the key that is used for new data keys)
import { randomBytes } from 'node:crypto';

const id = `mk-${new Date().toISOString().slice(0, 10)}-${randomBytes(2).toString('hex')}`;
process.stdout.write(`${id}:${randomBytes(32).toString('base64')}\n`);
