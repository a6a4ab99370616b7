/** Products by their definition, in float64, with what results in float32 may be off. */
import { expect } from 'vitest';
import { type GemmCase, gemmSizes } from '../../bench/cases/gemm.js';
import { activations } from './conv-reference.js';
import { randomFloats } from './harness.js';

export interface Operands {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly bias: Float32Array | undefined;
  readonly residual: Float32Array | undefined;
}

export function operandsOf(c: GemmCase): Operands {
  const s = gemmSizes(c, 1);
  return {
    a: randomFloats(s.a.size, 1),
    b: randomFloats(s.b.size, 2),
    bias: c.bias && randomFloats(s.bias, 3),
    residual: c.residual ? randomFloats(s.residual.size, 4) : undefined,
  };
}

export interface Expected {
  readonly y: Float64Array;
  readonly bound: Float64Array;
}

/** The error allowed of one element: Σ|a||b| and what is added, the sum before its activation, and the result. */
export type Bound = (c: GemmCase, magnitude: number, x: number, y: number) => number;

/**
 * The definition of each case, over operands rounded as the kernels do; it is slow and every row has the same cases, so
 * results are kept.
 */
export function gemmReferences(bound: Bound, rounded: (o: Operands, c: GemmCase) => Operands = (o) => o): (c: GemmCase, o: Operands) => Expected {
  const known = new Map<GemmCase, Expected>();
  return (c, o) => {
    const found = known.get(c) ?? define(c, rounded(o, c), bound);
    known.set(c, found);
    return found;
  };
}

function define(c: GemmCase, o: Operands, bound: Bound): Expected {
  const s = gemmSizes(c, 1);
  const y = new Float64Array(s.y.size);
  const bounds = new Float64Array(s.y.size);
  const act = activations[c.activation ?? 'none'] as (x: number, alpha: number, beta: number) => number;
  const [scale, addScale] = [Math.fround(c.scale ?? 1), Math.fround(c.addScale ?? 1)];
  const offset = (strides: readonly number[], index: readonly number[]) => strides.reduce((sum, v, d) => sum + v * (index[d] as number), 0);
  const total = s.batch.reduce((p, d) => p * d, 1);
  for (let i = 0; i < total; i++) {
    const index: number[] = [];
    for (let d = 3, rest = i; d >= 0; d--) {
      index[d] = rest % (s.batch[d] as number);
      rest = Math.floor(rest / (s.batch[d] as number));
    }
    const [a0, b0, y0, r0] = [offset(s.a.strides, index), offset(s.b.strides, index), offset(s.y.strides, index), offset(s.residual.strides, index)];
    for (let m = 0; m < c.m; m++) {
      for (let n = 0; n < c.n; n++) {
        let sum = 0;
        let size = 0;
        for (let k = 0; k < c.k; k++) {
          const product = (o.a[a0 + (c.transA ? k * c.m + m : m * c.k + k)] as number) * (o.b[b0 + (c.transB ? n * c.k + k : k * c.n + n)] as number);
          sum += product;
          size += Math.abs(product);
        }
        const biasAt = { column: n, row: m, one: 0, matrix: m * c.n + n }[c.bias ?? 'one'];
        const add = (o.bias?.[biasAt] ?? 0) + (o.residual?.[r0 + m * c.n + n] ?? 0);
        const x = scale * sum + addScale * add;
        const magnitude = Math.abs(scale) * size + Math.abs(addScale) * ((o.bias ? 1 : 0) + (o.residual ? 1 : 0));
        const at = y0 + m * s.ldc + n;
        y[at] = act(x, c.alpha ?? 0, c.beta ?? 0);
        bounds[at] = bound(c, magnitude, x, y[at] as number);
      }
    }
  }
  return { y, bound: bounds };
}

export function expectWithin(got: Float32Array, { y, bound }: Expected): void {
  for (let i = 0; i < y.length; i++) {
    const error = Math.abs((got[i] as number) - (y[i] as number));
    if (!(error <= (bound[i] as number))) expect.fail(`element ${i}: ${got[i]} instead of ${y[i]}, off by ${error}, at most ${bound[i]}`);
  }
}
