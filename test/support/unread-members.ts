/** Which members of a value nobody asked for while it was looked at: to a validator that ignores what it does not know, the misspelt ones. */
export class UnreadMembers {
  private readonly unread = new Set<string>();

  /** The value, watched. */
  watch<T>(value: T, path = ''): T {
    if (typeof value !== 'object' || value === null) return value;
    const children = new Map<string, unknown>();
    for (const [key, child] of Object.entries(value)) {
      const childPath = `${path}/${key}`;
      this.unread.add(childPath);
      children.set(key, this.watch(child, childPath));
    }
    return new Proxy(value, {
      get: (target, key) => {
        if (typeof key === 'string') this.unread.delete(`${path}/${key}`);
        return typeof key === 'string' && children.has(key) ? children.get(key) : (Reflect.get(target, key) as unknown);
      },
    });
  }

  list(): string[] {
    return [...this.unread].sort();
  }
}
