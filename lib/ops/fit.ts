/** Codes of few bits for weights: what only the quantizer adds to graphs. */
import { type Dim, elementCount } from '../graph/dim.js';
import { type fitAlgorithm as algorithms, factorHessianParams, fitAlgorithm, fitWeightsParams, packBitsParams, pruneWeightsParams } from '../kernels/fit.js';
import type { Operator } from './operator.js';

type Algorithm = (typeof algorithms.members)[number];

export const fitOperators: readonly Operator[] = [
  {
    // w [n, k], factors? f64 [count, k, k], order? i32 [count, k], importance? [count, k], gram? [count, k, k] → codes u8 [n, k], scales f32 and zeros u8 [n, groups]
    name: 'FitWeights',
    domain: 'dsnk',
    infer(q) {
      const [n, k] = q.shape(0) as [Dim, number];
      const groups = Math.ceil(k / q.node.int('group'));
      return [
        { dtype: 'uint8', shape: [n, k] },
        { dtype: 'float32', shape: [n, groups] },
        { dtype: 'uint8', shape: [n, groups] },
      ];
    },
    lower(low) {
      const { node } = low;
      const [n, k] = low.dims(0) as [number, number];
      const parts = [1, 3, 4].find((i) => low.has(i));
      const factors = parts === undefined ? 1 : (low.dims(parts)[0] as number);
      low.emit(
        low.select('fit_weights', 'f32'),
        fitWeightsParams,
        {
          n,
          k,
          group: node.int('group'),
          factors,
          bits: node.int('bits'),
          symmetric: node.int('symmetric', 0),
          algorithm: fitAlgorithm.value(node.string('algorithm') as Algorithm),
          sweeps: node.int('sweeps', 0),
          damping: node.float('damping', 0),
          reserved: 0,
        },
        [low.out(0), low.out(1), low.out(2)],
        [low.in(0), low.input(1), low.input(2), low.input(3), low.input(4)],
      );
    },
  },
  {
    // w [n, k], factors? f64 [count, k, k], importance? [count, k], gram? [count, k, k] → [n, k]
    name: 'PruneWeights',
    domain: 'dsnk',
    infer: (q) => [{ dtype: 'float32', shape: q.shape(0) }],
    lower(low) {
      const { node } = low;
      const [n, k] = low.dims(0) as [number, number];
      const parts = [1, 2, 3].find((i) => low.has(i));
      low.emit(
        low.select('prune_weights', 'f32'),
        pruneWeightsParams,
        {
          n,
          k,
          block: node.int('block'),
          factors: parts === undefined ? 1 : (low.dims(parts)[0] as number),
          ratio: node.float('ratio'),
          damping: node.float('damping', 0),
          sweeps: node.int('sweeps', 0),
          steps: node.int('steps', 0),
        },
        [low.out()],
        [low.in(0), low.input(1), low.input(2), low.input(3)],
      );
    },
  },
  {
    // h [count, k, k] → f64 [count, k, k], order i32 [count, k]
    name: 'FactorHessian',
    domain: 'dsnk',
    infer: (q) => [
      { dtype: 'float64', shape: q.shape(0) },
      { dtype: 'int32', shape: q.shape(0).slice(0, 2) },
    ],
    lower(low) {
      const [count, k] = low.dims(0) as [number, number];
      low.emit(
        low.select('factor_hessian', 'f32'),
        factorHessianParams,
        { count, k, damping: low.node.float('damping'), sorted: low.node.int('sorted', 0) },
        [low.out(0), low.out(1)],
        [low.in(0)],
      );
    },
  },
  {
    // codes u8 [rows, k] → u8 [bytes]
    name: 'PackBits',
    domain: 'dsnk',
    infer(q) {
      const [rows, k] = q.shape(0) as [number, number];
      const rowBits = q.node.int('row_bits', k * q.node.int('bits'));
      return [{ dtype: 'uint8', shape: [Math.ceil((rows * rowBits) / 8)] }];
    },
    lower(low) {
      const { node } = low;
      const dims = low.dims(0);
      const k = dims.at(-1) as number;
      const bits = node.int('bits');
      low.emit(
        low.select('pack_bits', 'any'),
        packBitsParams,
        {
          rows: elementCount(dims.slice(0, -1)),
          k,
          rowBits: node.int('row_bits', k * bits),
          bits,
          offset: node.int('offset', 0),
          flip: node.int('flip', 0),
          reserved: 0,
        },
        [low.out()],
        [low.in(0)],
      );
    },
  },
];
