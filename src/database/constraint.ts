const UNIQUE_VIOLATION = '23505';

/** Whether `error` says that the named unique constraint would be violated: the constraint decides, not a read before. */
export function violatesUnique(error: unknown, constraint: string): boolean {
  const { code, constraint: violated } = (error as { driverError?: { code?: string; constraint?: string } }).driverError ?? {};
  return code === UNIQUE_VIOLATION && violated === constraint;
}
