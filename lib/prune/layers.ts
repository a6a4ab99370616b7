/** Which weights are pruned, and in which pattern. */
import type { Graph, Node } from '../graph/graph.js';
import { type WeightRows, weightRows } from '../quantize/few-bits.js';
import { findProducts, type Keep, type Product } from '../quantize/islands.js';

import type { AllocationPlan } from './allocate.js';

export const patterns = ['2:4', 'unstructured', 'channels', 'heads'] as const;
export type Pattern = (typeof patterns)[number];
/** Those that make zeros; the others make the graph smaller. */
export type ZeroPattern = '2:4' | 'unstructured';

/** How a weight is judged: its size; its size times that of its inputs; what it costs when the others make up for it, as they then do. */
export const scores = ['magnitude', 'wanda', 'sparsegpt'] as const;
export type Score = (typeof scores)[number];

export interface ChannelPlan extends AllocationPlan {
  readonly pattern: Exclude<Pattern, ZeroPattern>;
  readonly score: Score;
  /** Fits what is left, where there are feeds. */
  readonly repair: boolean;
}

export interface PrunePlan {
  readonly pattern: ZeroPattern;
  /** Share of zeros. */
  readonly ratio: number;
  readonly score: Score;
  /** Output channels that lose the same weights, with `2:4`. */
  readonly vector?: number;
}

/** Rows whose k are `depth` input channels by `taps` of the kernel. */
export interface PrunedRows extends WeightRows {
  readonly depth: number;
  readonly taps: number;
}

export function prunedRows(product: Product): PrunedRows {
  const { rows, k } = weightRows(product);
  const taps = product.node.op.startsWith('Conv') ? (product.weight.constant?.dims ?? []).slice(2).reduce((a, b) => a * b, 1) : 1;
  return { product, rows, k, depth: k / taps, taps };
}

export interface Prunable {
  readonly products: readonly Product[];
  /** Products whose weights stay, and why. */
  readonly kept: ReadonlyMap<Node, string>;
}

/** Why the first layer stays. */
export const FIRST = 'it is the first';

export function findPrunable(graph: Graph, plan: PrunePlan, keep: Keep, keepFirst: boolean): Prunable {
  const found = findProducts(graph, keep);
  const kept = new Map(found.kept);
  const first =
    keepFirst && found.products.length > 1 ? graph.nodes.find((n) => kept.get(n) === 'asked for' || found.products.some((p) => p.node === n)) : undefined;
  const products = found.products.filter((product) => {
    const reason = product.node === first ? FIRST : unfit(prunedRows(product), plan);
    if (reason !== undefined) kept.set(product.node, reason);
    return reason === undefined;
  });
  return { products, kept };
}

function unfit({ depth, k, rows, product }: PrunedRows, { pattern, ratio, vector }: PrunePlan): string | undefined {
  const channels = rows / product.node.int('group', 1);
  if (vector !== undefined && channels % vector !== 0) return `${channels} output channels are no multiple of ${vector}`;
  if (pattern === '2:4') return depth % 4 === 0 ? undefined : `${depth} input channels are no multiple of 4`;
  return Math.round(ratio * k) < 1 ? `${ratio} of rows of ${k} weights is none` : undefined;
}

/** Rows that would be left without a weight. */
export function emptied(products: readonly Product[], { pattern, ratio }: PrunePlan): Product | undefined {
  return pattern === '2:4' ? undefined : products.find((p) => Math.round(ratio * prunedRows(p).k) >= prunedRows(p).k);
}
