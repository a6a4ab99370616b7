/** Weights as codes of few bits: the quantizer's kernels. See native/kernels/fit/. */
import { kernelEnum, kernelParams } from './params.js';

/** How the scale of a group is found: covering it, with the least squared error, or with the least sum of errors to the power 0.7. */
export const fitAlgorithm = kernelEnum('FitAlgorithm', ['rtn', 'mse', 'hqq']);

/**
 * Codes of w[n, k] in groups along k. Operands: codes u8 [n, k], scales f32 and zero points u8 [n, ⌈k/group⌉], w f32, factors? f64
 * [factors, k, k] (factor_hessian: rounding errors go on to later k), order? i32 [factors, k] (which k is the later one), importance? f32
 * [factors, k], gram? f32 [factors, k, k] (codes and scales are improved one by one against it).
 */
export const fitWeightsParams = kernelParams('FitWeightsParams', {
  n: 'i64',
  k: 'i64',
  group: 'i64',
  /** Rows are that many equal parts, each with a factor of its own. */
  factors: 'i64',
  bits: 'i32',
  symmetric: 'i32',
  algorithm: 'i32', // FitAlgorithm
  /** At most so many times over all codes, with `gram`. */
  sweeps: 'i32',
  /** What factor_hessian was given, with `gram`. */
  damping: 'f32',
  reserved: 'i32',
});

/**
 * Rows of w[n, k] with zeros. Operands: v f32 [n, k], w f32 [n, k], factors? f64 [factors, k, k] (factor_hessian: what is taken goes on to later
 * k), importance? f32 [factors, k], gram? f32 [factors, k, k] (what is left makes up for what is gone).
 */
export const pruneWeightsParams = kernelParams('PruneWeightsParams', {
  n: 'i64',
  k: 'i64',
  /** Columns that are judged together: 4 for two of four, k for the whole row. */
  block: 'i64',
  /** Rows are that many equal parts, each with a factor of its own. */
  factors: 'i64',
  /** Share of zeros. */
  ratio: 'f32',
  /** What factor_hessian was given, with `gram`. */
  damping: 'f32',
  /** At most so many times over all fours, with `gram`: which two are kept. */
  sweeps: 'i32',
  /** Of conjugate gradients, with `gram`. */
  steps: 'i32',
});

/** Upper triangular factors of inverse matrices. Operands: u f64 [count, k, k], order i32 [count, k], h f32 [count, k, k]. */
export const factorHessianParams = kernelParams('FactorHessianParams', {
  count: 'i64',
  k: 'i64',
  /** Added to the diagonal, as a share of its mean. */
  damping: 'f32',
  /** 1: rows and columns by their elements on the diagonal, the largest first; 0: as they are. */
  sorted: 'i32',
});

/** A stream of bits, the lowest first: row i begins at bit i·rowBits. A code is the byte plus `offset`, then its bits of `flip` turned over. Operands: stream, codes u8 [rows, k]. */
export const packBitsParams = kernelParams('PackBitsParams', {
  rows: 'i64',
  k: 'i64',
  rowBits: 'i64',
  bits: 'i32',
  offset: 'i32',
  flip: 'i32',
  reserved: 'i32',
});
