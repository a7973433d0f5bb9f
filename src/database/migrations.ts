import type { MigrationInterface } from 'typeorm';

type Migration = new () => MigrationInterface;

/** Every migration, oldest first. A new file in `migrations/` does nothing until it is listed here; a spec compares the two. */
export const migrations: readonly Migration[] = [];
