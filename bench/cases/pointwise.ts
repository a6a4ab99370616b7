/** Cases of the pointwise kernel: programs, shapes and operand ranges, shared by its test and the bench. */

import type { PointwiseOpName } from '../../lib/kernels/pointwise.js';
import { pointwiseParams } from '../../lib/kernels/pointwise.js';
import { type ExpressionStep, encodeInputs, input, step, value } from '../../lib/ops/expression.js';
import { floats, type KernelCase } from './case.js';

export interface PointwiseCase extends KernelCase {
  readonly steps: readonly ExpressionStep[];
  readonly dims: readonly number[];
  readonly shapes: readonly (readonly number[])[];
}

export const count = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

export function pointwiseCase(
  name: string,
  steps: readonly ExpressionStep[],
  dims: readonly number[],
  shapes: readonly (readonly number[])[],
  options: { bench?: boolean; low?: number; high?: number } = {},
): PointwiseCase {
  const { params, tail } = encodeInputs(
    steps,
    dims,
    0,
    shapes.map((shape) => ({ shape, type: 0 })),
  );
  return {
    name,
    op: 'pointwise',
    dtypes: 'f32',
    schema: pointwiseParams,
    params,
    tail,
    steps,
    dims,
    shapes,
    bench: options.bench ?? false,
    outputs: () => [new Float32Array(count(dims))],
    inputs: () => shapes.map((s, i) => floats(count(s), i + 1, options.low ?? -2, options.high ?? 2)),
  };
}

const one = (op: PointwiseOpName, terms: number): ExpressionStep[] => [{ op, terms: [0, 1, 2].slice(0, terms).map(input) }];
const add = one('add', 2);
const chain: ExpressionStep[] = [
  { op: 'mulAdd', terms: [input(0), input(1), input(2)] },
  { op: 'sigmoid', terms: [step(0)] },
  { op: 'mul', terms: [step(0), step(1)] },
  { op: 'add', terms: [step(2), value(0.5)] },
];

/** Broadcasts of every kind: whole, scalar, last dimension, first dimension, middle, several rows a block, long rows. */
const broadcasts: readonly (readonly [dims: number[], a: number[], b: number[]])[] = [
  [[0], [0], [0]],
  [
    [3, 0, 2],
    [3, 0, 2],
    [1, 1, 2],
  ],
  [[1], [1], [1]],
  [[7], [7], [7]],
  [[1023], [1023], [1]],
  [[1025], [1], [1025]],
  [[5000], [5000], [5000]],
  [[2, 3, 5], [2, 3, 5], [5]],
  [[33, 64], [33, 64], [64]],
  [[33, 64], [33, 1], [64]],
  [[6, 2000], [6, 1], [2000]],
  [
    [6, 2000],
    [1, 2000],
    [6, 2000],
  ],
  [
    [2, 8, 49],
    [2, 8, 49],
    [8, 1],
  ],
  [
    [2, 8, 1100],
    [2, 8, 1100],
    [8, 1],
  ],
  [
    [3, 4, 5, 6],
    [3, 1, 5, 1],
    [1, 4, 1, 6],
  ],
  [
    [2, 3, 4, 3, 2, 3],
    [2, 1, 4, 1, 2, 1],
    [1, 3, 1, 3, 1, 3],
  ],
  [
    [2, 2, 2, 2, 2, 2, 2, 9],
    [1, 2, 1, 2, 1, 2, 1, 9],
    [2, 1, 2, 1, 2, 1, 2, 1],
  ],
];

const big = [1, 64, 112, 112];
export const cases: readonly PointwiseCase[] = [
  ...broadcasts.map(([dims, a, b]) => pointwiseCase(`add [${a}] + [${b}]`, add, dims, [a, b])),
  ...broadcasts.map(([dims, a, b]) => pointwiseCase(`chain over [${a}] [${b}]`, chain, dims, [a, b, [1]])),
  pointwiseCase('add 64x112x112', add, big, [big, big], { bench: true }),
  pointwiseCase('relu 64x112x112', one('relu', 1), big, [big], { bench: true }),
  pointwiseCase('mul by channel, NCHW', one('mul', 2), big, [big, [1, 64, 1, 1]], { bench: true }),
  pointwiseCase('add channel vector, NHWC', add, [112, 112, 64], [[112, 112, 64], [64]], { bench: true }),
  pointwiseCase('add in L2, 64 KB', add, [16384], [[16384], [16384]], { bench: true }),
  pointwiseCase('gelu 197x3072', one('gelu', 1), [197, 3072], [[197, 3072]], { bench: true }),
  pointwiseCase('silu 197x3072', one('swish', 2), [197, 3072], [[197, 3072], [1]], { bench: true }),
  pointwiseCase('exp 1M', one('exp', 1), [1 << 20], [[1 << 20]], { bench: true }),
  pointwiseCase('chain of 4, 1M', chain, [1 << 20], [[1 << 20], [1 << 20], [1]], { bench: true }),
];
