/**
 * What zeros among constant weights allow. Files carry pruned weights as dense ones; a compile asks for their pattern once, and the operators of
 * products take rows that skip zeros where those are faster (lib/ops/sparse.ts).
 */
import type { Constant } from '../graph/graph.js';

/** Where element (i, outer, inner, column) of weights stands: strides in elements; k is (outer, inner). */
export interface WeightLayout {
  readonly count: number;
  readonly stride: number;
  readonly n: number;
  readonly strideN: number;
  readonly outer: number;
  readonly strideOuter: number;
  readonly inner: number;
  readonly strideInner: number;
}

/** The bits of lib/kernels/sparse.ts that hold for weights of which `zero` stands for zero. */
export type PatternOf = (weights: Constant, layout: WeightLayout, zero: number) => number;
