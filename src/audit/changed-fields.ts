/** Names of the fields whose value is another now, for {@link AuditEntry.changed}: what was changed can be told without the values. */
export function changedFields<T extends object>(before: T, after: Partial<T>): { readonly fields: readonly string[] } {
  return { fields: Object.keys(after).filter((name) => after[name as keyof T] !== before[name as keyof T]) };
}
