/** What goes together: units, each a channel of one layer until another is found that cannot go without it. */
export class Units {
  readonly #parents: number[] = [];
  /** By root: why it stays. */
  readonly #pinned = new Map<number, string>();
  readonly #heads = new Set<number>();

  get count(): number {
    return this.#parents.length;
  }

  fresh(count: number): number[] {
    const first = this.#parents.length;
    for (let i = 0; i < count; i++) this.#parents.push(first + i);
    return this.#parents.slice(first);
  }

  root(unit: number): number {
    let root = unit;
    while (this.#parents[root] !== root) root = this.#parents[root] as number;
    for (let u = unit; u !== root; ) {
      const next = this.#parents[u] as number;
      this.#parents[u] = root;
      u = next;
    }
    return root;
  }

  unite(a: number, b: number): void {
    const [to, from] = [this.root(a), this.root(b)];
    if (to === from) return;
    this.#parents[from] = to;
    const why = this.#pinned.get(from);
    if (why !== undefined && !this.#pinned.has(to)) this.#pinned.set(to, why);
    if (this.#heads.has(from)) this.#heads.add(to);
  }

  /** Position by position. */
  uniteAll(a: readonly number[], b: readonly number[]): void {
    for (const [i, u] of a.entries()) this.unite(u, b[i] as number);
  }

  pin(units: readonly number[], why: string): void {
    for (const u of units) if (!this.#pinned.has(this.root(u))) this.#pinned.set(this.root(u), why);
  }

  /** Why a unit cannot go. */
  reason(unit: number): string | undefined {
    return this.#pinned.get(this.root(unit));
  }

  /** These are heads of attention. */
  markHeads(units: readonly number[]): void {
    for (const u of units) this.#heads.add(this.root(u));
  }

  isHead(unit: number): boolean {
    return this.#heads.has(this.root(unit));
  }
}
