import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * What each folder of `src` may import. Only folders above it in this list can be named, so there are no rings. `http`
 * is the vocabulary of the edge (decorators, paging, preconditions), which controllers of every folder speak.
 */
const MAY_USE: Record<string, readonly string[]> = {
  kernel: [],
  settings: ['kernel'],
  documents: ['kernel'],
  copy: ['kernel', 'settings'],
  database: ['kernel', 'settings', 'copy'],
  notify: ['kernel', 'settings', 'database'],
  http: ['kernel', 'settings', 'documents'],
  audit: ['kernel', 'database', 'http'],
  access: ['kernel', 'settings', 'copy', 'database', 'notify', 'http', 'audit'],
  people: ['kernel', 'settings', 'database', 'notify', 'http', 'audit', 'access'],
  catalog: ['kernel', 'copy', 'database', 'notify', 'http', 'audit', 'access'],
  releases: ['kernel', 'settings', 'documents', 'copy', 'database', 'notify', 'http', 'audit', 'access', 'catalog'],
  recovery: ['kernel', 'database', 'notify', 'http', 'audit', 'releases'],
  secrets: ['kernel', 'settings', 'documents', 'copy', 'database', 'notify', 'http', 'audit', 'access', 'catalog', 'releases'],
  changes: ['kernel', 'settings', 'documents', 'database', 'notify', 'http', 'audit', 'access', 'catalog', 'releases', 'secrets'],
  review: ['kernel', 'settings', 'database', 'http', 'audit', 'access', 'catalog', 'releases', 'changes'],
  imports: ['kernel', 'settings', 'documents', 'http', 'audit', 'access', 'catalog', 'releases', 'secrets', 'changes'],
  snapshots: ['kernel', 'settings', 'documents', 'copy', 'database', 'notify', 'access', 'catalog', 'releases', 'secrets'],
  nats: ['kernel', 'settings', 'snapshots'],
  feed: ['kernel', 'settings', 'http', 'access', 'snapshots'],
  replicas: ['kernel', 'settings', 'database', 'notify', 'http', 'snapshots', 'feed'],
  instances: ['kernel', 'settings', 'database', 'notify', 'http', 'access', 'catalog', 'releases', 'changes', 'snapshots', 'feed', 'replicas'],
  telemetry: ['kernel', 'settings', 'database', 'http', 'notify', 'releases', 'snapshots', 'feed'],
  distribution: ['kernel', 'settings', 'database', 'notify', 'access', 'catalog', 'releases', 'secrets', 'snapshots', 'nats', 'replicas', 'instances', 'telemetry'],
  health: ['kernel', 'settings', 'copy', 'database', 'http', 'access', 'notify', 'releases', 'snapshots', 'feed', 'instances', 'telemetry'],
  edge: ['kernel', 'settings', 'copy', 'http', 'access', 'secrets', 'snapshots', 'nats', 'feed', 'replicas', 'instances', 'telemetry', 'health'],
};

/** The list of all entities for TypeORM: the one file that has to know every folder. */
const EXCEPTIONS = ['src/database/entities.ts'];
const ROOT = path.resolve(__dirname, '..');

interface Import {
  readonly file: string;
  readonly folder: string;
  readonly specifier: string;
}

function importsOf(folder: string): Import[] {
  return readdirSync(path.join(ROOT, 'src', folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
    .flatMap((name) => {
      const file = path.join('src', folder, name);
      const text = readFileSync(path.join(ROOT, file), 'utf8');
      return [...text.matchAll(/^(?:import|export)\b[^'"]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm)].map((match) => ({
        file,
        folder,
        specifier: (match[1] ?? match[2] ?? match[3])!,
      }));
    });
}

/** The folder of `src` that an import leads into; undefined for a package. */
function folderOf({ file, specifier }: Import): string | undefined {
  if (!specifier.startsWith('.') || specifier.endsWith('/package.json')) return undefined;
  return path.relative('src', path.normalize(path.join(path.dirname(file), specifier))).split(path.sep)[0];
}

const folders = readdirSync(path.join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
const imports = folders.flatMap(importsOf);

describe('given the folders of the server', () => {
  it('has every folder in the table', () => {
    expect([...folders].sort()).toEqual(Object.keys(MAY_USE).sort());
  });

  it('names in the table only folders further up', () => {
    const order = Object.keys(MAY_USE);
    const downward = Object.entries(MAY_USE).flatMap(([folder, used]) => used.filter((other) => order.indexOf(other) >= order.indexOf(folder)).map((other) => `${folder} → ${other}`));
    expect(downward).toEqual([]);
  });

  it.each(Object.keys(MAY_USE))('lets %s import only what the table says', (folder) => {
    const strangers = imports
      .filter((one) => one.folder === folder && !EXCEPTIONS.includes(one.file))
      .filter((one) => ![undefined, folder, ...MAY_USE[folder]!].includes(folderOf(one)));
    expect(strangers.map(({ file, specifier }) => `${file} imports ${specifier}`)).toEqual([]);
  });

  it('keeps documents pure', () => {
    const impure = imports.filter(({ folder, specifier }) => folder === 'documents' && /^(@nestjs|typeorm|pg|node:(fs|net|http))/.test(specifier));
    expect(impure.map(({ file }) => file)).toEqual([]);
  });

  it('throws no HTTP exceptions of Nest anywhere, and uses no forwardRef', () => {
    const source = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
    const files = [...new Set(imports.map(({ file }) => file))];
    expect(files.filter((file) => /\bforwardRef\b|\bnew (?:BadRequest|NotFound|Conflict|Forbidden|Unauthorized|Http)\w*Exception\b/.test(source(file)))).toEqual([]);
  });

  it('takes from the client only its wire types', () => {
    const taken = imports.filter(({ specifier }) => specifier.startsWith('@trimtab/client') || specifier.includes('client/src'));
    expect(taken.filter(({ specifier }) => specifier !== '@trimtab/client/protocol').map(({ file }) => file)).toEqual([]);
  });
});

describe('given the client library', () => {
  it('imports nothing of the server', () => {
    const files = readdirSync(path.join(ROOT, 'client/src'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    expect(files.filter((name) => /from '(?:\.\.\/)+src\//.test(readFileSync(path.join(ROOT, 'client/src', name), 'utf8')))).toEqual([]);
  });
});
