/** How many units of each bundle go. */
import type { Bundle } from './bundles.js';

export const scopes = ['layer', 'global'] as const;
/** The same share of every bundle, or where it costs least for what it saves. */
export type Scope = (typeof scopes)[number];

/** In the order in which the units of a bundle would go. */
export interface Ranking {
  readonly bundle: Bundle;
  readonly order: readonly number[];
  /** What it costs that the first so many are gone: one entry more than units, the first 0. */
  readonly costs: readonly number[];
}

/** What is to be saved: multiplications, or heads. */
export interface Savings {
  readonly total: number;
  left: number;
  /** What goes with these, or comes back with them where `sign` is -1. */
  gain(roots: readonly number[], sign?: 1 | -1): number;
  remove(roots: readonly number[], sign?: 1 | -1): void;
}

export class HeadCount implements Savings {
  left: number;
  constructor(readonly total: number) {
    this.left = total;
  }
  gain(roots: readonly number[]): number {
    return roots.length;
  }
  remove(roots: readonly number[], sign: 1 | -1 = 1): void {
    this.left -= sign * roots.length;
  }
}

export interface AllocationPlan {
  readonly ratio: number;
  readonly scope: Scope;
  /** What is left of a bundle is a multiple of it, where anything goes. */
  readonly multiple: number;
}

/** The roots that go; undefined where that share cannot be reached. `savings` is left as what remains. */
export function allocate(rankings: readonly Ranking[], savings: Savings, { ratio, scope, multiple }: AllocationPlan): ReadonlySet<number> | undefined {
  const gone = rankings.map(() => 0);
  const target = savings.total * (1 - ratio) * (1 + 1e-9);
  /** How many may be gone next, after n; undefined where no more can go. */
  const next = ({ order }: Ranking, n: number) => {
    const to = n + ((order.length - n) % multiple || multiple);
    return order.length - to < Math.min(multiple, order.length) ? undefined : to;
  };
  const taken: { readonly i: number; readonly from: number; readonly to: number; readonly cost: number }[] = [];
  while (savings.left > target) {
    let [best, at, to] = [Number.POSITIVE_INFINITY, -1, 0];
    for (const [i, r] of rankings.entries()) {
      const n = gone[i] as number;
      const step = next(r, n);
      if (step === undefined) continue;
      const cost =
        scope === 'layer' ? step / r.order.length : ((r.costs[step] as number) - (r.costs[n] as number)) / Math.max(savings.gain(r.order.slice(n, step)), 1e-9);
      if (cost < best) [best, at, to] = [cost, i, step];
    }
    if (at < 0) return undefined;
    const { order, costs } = rankings[at] as Ranking;
    const from = gone[at] as number;
    savings.remove(order.slice(from, to));
    gone[at] = to;
    taken.push({ i: at, from, to, cost: (costs[to] as number) - (costs[from] as number) });
  }
  // The last steps may have been large: what is not needed for the share comes back, the most expensive first.
  const steps = taken.sort((a, b) => b.cost - a.cost);
  for (const { i, from, to } of scope === 'global' ? steps : []) {
    const roots = (rankings[i] as Ranking).order.slice(from, to);
    if (gone[i] !== to || savings.left + savings.gain(roots, -1) > target) continue;
    savings.remove(roots, -1);
    gone[i] = from;
  }
  return new Set(rankings.flatMap((r, i) => r.order.slice(0, gone[i])));
}
