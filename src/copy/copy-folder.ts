import path from 'node:path';
import type { Settings } from '../settings/settings';

const NONE = 'none';

/**
 * Where a process of its own keeps its copy: what the setting names, else a folder that the same process finds again by
 * its port. With a port that is another at every start there is none.
 */
export function copyFolderOf({ copy, dataFolder, port }: Settings): string | undefined {
  if (copy.folder === NONE) return undefined;
  if (copy.folder !== undefined) return path.resolve(copy.folder);
  return port === 0 ? undefined : path.resolve(dataFolder, `copy-${port}`);
}
