import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';

describe('given the types of the public interface', () => {
  it('hold what test/types/expectations.ts expects of them, right and wrong', () => {
    const root = join(__dirname, '..');
    const tsc = createRequire(__filename).resolve('typescript/bin/tsc');
    // Every @ts-expect-error there that is not an error is an error here.
    expect(() => execFileSync(process.execPath, [tsc, '-p', join(root, 'test/types')], { cwd: root, stdio: 'pipe', encoding: 'utf8' })).not.toThrow();
  }, 60_000);
});
