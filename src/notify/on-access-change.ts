import type { DataSource } from 'typeorm';
import { DomainError } from '../kernel/domain-error';
import type { LogListener } from './log-listener';

/**
 * Tells when anything about access has changed on any replica (credentials, grants, data keys: all are rare, and announced
 * together), again when the listener has failed, and at once while the database was never open. Returns how to stop it.
 */
export function onAccessChange(log: LogListener, dataSource: DataSource, listener: () => Promise<void>): () => void {
  let told: number | undefined;
  // Nobody else tells as long as the database is away.
  if (!dataSource.isInitialized) void listener();
  return log.subscribe(async ({ access }) => {
    if (access === told) return;
    // What was read from the disk copy does not count as having heard.
    const isOpen = dataSource.isInitialized;
    await listener();
    if (isOpen) told = access;
    else throw new DomainError('unavailable', 'The database is not open yet.');
  });
}
