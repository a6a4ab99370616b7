/**
 * The weights of one layer with zeros, as a graph on constants.
 *
 *     W → rows with the k of one kernel tap side by side → moments about the means → least squares for the results wanted → zeros → W, bias
 */
import { Constant, type Graph, type Value } from '../graph/graph.js';
import { asWeight, DAMPING, diagonal, rowsOf } from '../quantize/few-bits.js';
import { ConstantGraph } from '../quantize/observe.js';
import type { PrunedRows, PrunePlan } from './layers.js';

/** See moments.ts. `cross` and what follows it are left out where weights are only judged. */
export interface Moments {
  readonly gram: Constant;
  readonly fit?: {
    readonly cross: Constant;
    readonly inputs: Constant;
    readonly results: Constant;
    readonly count: number;
  };
}

/** Columns that sparsegpt judges together where zeros may be anywhere. */
const BLOCK = 128;
/** Times over all fours, and steps of conjugate gradients; rows beyond so many weights get a quarter, as each costs the square of them. */
const SWEEPS = 8;
const STEPS = 64;
const LONG = 2048;

/** Outputs `weights`, `bias` where the layer `hasBias` and its moments are there, `signal` and `noise` of the weights. */
export function pruneGraph(l: PrunedRows, plan: PrunePlan, moments: Moments | undefined, hasBias: boolean): Graph {
  const g = new ConstantGraph();
  const ints = (values: readonly number[]) => g.constant(Constant.of('int64', [values.length], values));
  const reshaped = (v: Value, dims: readonly number[]) => g.node('Reshape', [v, ints(dims)]);
  const turned = (v: Value, perm: readonly number[]) => g.node('Transpose', [v], { perm });
  const [factors, k] = [moments?.gram.dims[0] ?? 1, l.k];
  const rows = l.rows / factors;
  const effort = k > LONG ? 4 : 1;
  /** The last axis from channels of taps to taps of channels, and back. */
  const grouped = (v: Value, lead: readonly number[]) => exchanged(v, lead, [l.depth, l.taps]);
  const exchanged = (v: Value, lead: readonly number[], [a, b]: readonly [number, number]) => {
    if (a === 1 || b === 1) return v;
    const at = lead.length;
    return reshaped(turned(reshaped(v, [...lead, a, b]), [...lead.keys(), at + 1, at]), [...lead, k]);
  };

  const plain = rowsOf(g, l);
  const w = reshaped(grouped(plain, [l.rows]), [factors, rows, k]);
  const attrs = { ratio: plan.ratio, block: plan.pattern === '2:4' ? 4 : plan.score === 'sparsegpt' ? Math.min(BLOCK, k) : k };
  const pruned = (v: Value, more: (Value | undefined)[], given = {}) => {
    const flat = reshaped(v, [l.rows, k]);
    return reshaped(g.graph.addNode('PruneWeights', [flat, ...more], { domain: 'dsnk', name: l.product.node.name, attrs: { ...attrs, ...given } }).output(), [
      factors,
      rows,
      k,
    ]);
  };
  let v: Value;
  if (moments === undefined) v = pruned(w, []);
  else {
    // Both axes of the gram matrix, one after the other.
    const once = turned(grouped(g.constant(moments.gram), [factors, k]), [0, 2, 1]);
    let gram = grouped(once, [factors, k]);
    if (moments.fit === undefined) v = pruned(w, [undefined, diagonal(g, gram, moments.gram.dims)]);
    else {
      const { cross: crossSum, inputs, results, count } = moments.fit;
      let cross = grouped(g.constant(crossSum), [factors, rows]);
      const scaled = (c: Value) => g.node('Div', [c, g.constant(Constant.of('float32', [], [count]))]);
      const means = reshaped(scaled(grouped(g.constant(inputs), [factors])), [factors, 1, k]);
      const wanted = reshaped(g.constant(results), [factors, rows, 1]);
      if (hasBias) {
        const sums = reshaped(grouped(g.constant(inputs), [factors]), [factors, k, 1]);
        gram = g.node('Sub', [gram, g.node('Mul', [sums, means])]);
        cross = g.node('Sub', [cross, g.node('Mul', [wanted, means])]);
      }
      const factored = g.graph.addNode('FactorHessian', [gram], { domain: 'dsnk', outputs: 2, attrs: { damping: DAMPING, sorted: 0 } });
      const u = factored.output(0);
      const u32 = g.node('Cast', [u], { to: 1 });
      const missing = g.node('Sub', [cross, g.node('MatMul', [w, gram])]);
      const least = g.node('Add', [w, g.node('MatMul', [g.node('MatMul', [missing, turned(u32, [0, 2, 1])]), u32])]);
      v = pruned(least, [u, undefined, gram], { damping: DAMPING, sweeps: SWEEPS / effort, steps: STEPS / effort });
      if (hasBias) {
        const bias = g.node('Sub', [scaled(wanted), g.node('ReduceSum', [g.node('Mul', [v, means]), ints([2])])]);
        g.output(reshaped(bias, [l.rows]), 'bias');
      }
    }
  }
  const back = exchanged(reshaped(v, [l.rows, k]), [l.rows], [l.taps, l.depth]);
  g.output(asWeight(g, l, back), 'weights');
  g.output(g.node('ReduceSumSquare', [plain], { keepdims: 0 }), 'signal');
  g.output(g.node('ReduceSumSquare', [g.node('Sub', [plain, back])], { keepdims: 0 }), 'noise');
  const isZero = g.node('Equal', [back, g.constant(Constant.of('float32', [], [0]))]);
  g.output(g.node('ReduceSum', [g.node('Cast', [isZero], { to: 1 })], { keepdims: 0 }), 'zeros');
  return g.graph;
}
