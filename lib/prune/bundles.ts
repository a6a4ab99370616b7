/** Channels or heads that are chosen among each other, and what the model multiplies without them. */
import { elementCount } from '../graph/dim.js';
import type { Graph, Node, Value } from '../graph/graph.js';
import type { ChannelGroups, Layer } from './channel-groups.js';
import { Units } from './units.js';

/** Units of the same layers, by root. */
export interface Bundle {
  readonly roots: readonly number[];
  /** Layers that make them, in the order of the graph. */
  readonly makers: readonly Layer[];
  /** Layers that multiply them with weights of their own. */
  readonly readers: readonly Layer[];
}

/** Bundles of units that may go: heads of attention, or all others. */
export function bundlesOf({ units, layers }: ChannelGroups, heads: boolean): Bundle[] {
  const isFree = (u: number) => units.reason(u) === undefined && units.isHead(u) === heads;
  const rootsOf = (list: readonly number[]) => [...new Set(list.filter(isFree).map((u) => units.root(u)))];
  const together = new Units();
  together.fresh(units.count);
  for (const layer of layers) {
    const [first, ...rest] = rootsOf(layer.out);
    for (const r of rest) together.unite(first as number, r);
  }
  const bundles = new Map<number, { roots: Set<number>; makers: Layer[]; readers: Layer[] }>();
  for (const layer of layers) {
    for (const root of rootsOf(layer.out)) {
      const key = together.root(root);
      const bundle = bundles.get(key) ?? { roots: new Set<number>(), makers: [], readers: [] };
      bundles.set(key, bundle);
      bundle.roots.add(root);
      if (!bundle.makers.includes(layer)) bundle.makers.push(layer);
    }
  }
  for (const layer of layers) {
    const keys = new Set(layer.groups === 1 ? rootsOf(layer.in ?? []).map((r) => together.root(r)) : []);
    for (const key of keys) bundles.get(key)?.readers.push(layer);
  }
  return [...bundles.values()].map((b) => ({ ...b, roots: [...b.roots] }));
}

const productOps = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

interface Term {
  readonly macs: number;
  /** Units of each factor, and how many of them are left. */
  readonly all: readonly number[];
  readonly left: number[];
}

/** Multiplications and additions of all products, by how many of each one's units are left. */
export class MacCount {
  readonly #terms: Term[] = [];
  /** By root: terms, which of their factors, and how many positions of it. */
  readonly #places = new Map<number, Map<readonly [term: number, factor: number], number>>();
  readonly total: number;
  left: number;

  constructor(graph: Graph, { units, layers, headProducts }: ChannelGroups, dimsOf: (v: Value) => readonly number[] | undefined) {
    const layerOf = new Map(layers.map((l) => [l.product.node, l]));
    const headsOf = new Map(headProducts.map((h) => [h.node, h.units]));
    for (const node of graph.nodes) {
      if (node.domain !== '' || !productOps.has(node.op)) continue;
      const layer = layerOf.get(node);
      const heads = headsOf.get(node);
      const factors =
        heads !== undefined ? [heads] : layer === undefined ? [] : layer.in === undefined || layer.groups > 1 ? [layer.out] : [layer.in, layer.out];
      const term = this.#terms.length;
      const sizes = factors.map((f) => f.length);
      this.#terms.push({ macs: macsOf(node, dimsOf), all: sizes, left: [...sizes] });
      for (const [i, factor] of factors.entries()) {
        const key = [term, i] as const;
        for (const u of factor) {
          const places = this.#places.get(units.root(u)) ?? new Map();
          this.#places.set(units.root(u), places);
          places.set(key, (places.get(key) ?? 0) + 1);
        }
      }
    }
    this.total = this.#terms.reduce((sum, t) => sum + t.macs, 0);
    this.left = this.total;
  }

  /** What goes with these; what would come back with them where `sign` is -1. */
  gain(roots: readonly number[], sign: 1 | -1 = 1): number {
    const less = new Map<number, number[]>();
    for (const root of roots) {
      for (const [[term, factor], count] of this.#places.get(root) ?? []) {
        const now = less.get(term) ?? [0, 0];
        less.set(term, now);
        now[factor] = (now[factor] as number) + sign * count;
      }
    }
    let sum = 0;
    for (const [term, gone] of less) {
      const { macs, all, left } = this.#terms[term] as Term;
      const share = (minus: readonly number[]) => all.reduce((p, n, i) => (p * ((left[i] as number) - (minus[i] ?? 0))) / n, 1);
      sum += sign * macs * (share([]) - share(gone));
    }
    return sum;
  }

  remove(roots: readonly number[], sign: 1 | -1 = 1): void {
    this.left -= sign * this.gain(roots, sign);
    for (const root of roots) {
      for (const [[term, factor], count] of this.#places.get(root) ?? []) {
        const { left } = this.#terms[term] as Term;
        left[factor] = (left[factor] as number) - sign * count;
      }
    }
  }
}

function macsOf(node: Node, dimsOf: (v: Value) => readonly number[] | undefined): number {
  const [x, w, y] = [node.input(0), node.input(1), node.output()].map((v) => dimsOf(v) ?? []) as [readonly number[], readonly number[], readonly number[]];
  if (node.op === 'ConvTranspose') return (elementCount(x) / (x[1] ?? 1)) * elementCount(w);
  if (node.op === 'Conv') return (elementCount(y) / (y[1] ?? 1)) * elementCount(w);
  const depth = node.op === 'Gemm' && node.int('transA', 0) !== 0 ? x[0] : x.at(-1);
  return elementCount(y) * (depth ?? 1);
}
