import type { Include } from './layer-entry';

/** Which layer declares which includes, looked up from both ends. */
export class DeclaredIncludes {
  private readonly declared = new Map<string, readonly Include[]>();
  /** For each service, the layers that name it in their includes. */
  private readonly includers = new Map<string, Set<string>>();

  of(key: string): readonly Include[] | undefined {
    return this.declared.get(key);
  }

  includersOf(service: string): Iterable<string> {
    return this.includers.get(service) ?? [];
  }

  set(key: string, includes: readonly Include[] | undefined): void {
    for (const { service } of this.declared.get(key) ?? []) this.includers.get(service)?.delete(key);
    if (includes === undefined) {
      this.declared.delete(key);
      return;
    }
    this.declared.set(key, includes);
    for (const { service } of includes) {
      const keys = this.includers.get(service) ?? new Set<string>();
      this.includers.set(service, keys.add(key));
    }
  }
}
