/**
 * The weights of one layer with zeros, as a graph on constants.
 *
 *     W → rows with the k of one kernel tap side by side → moments about the means → least squares for the results wanted → zeros → W, bias
 */
import { dtypes } from '../dtype.js';
import type { Graph, Value } from '../graph/graph.js';
import { asWeight, DAMPING, diagonal, rowsOf } from '../quantize/few-bits.js';
import { ConstantGraph } from '../quantize/observe.js';
import type { PrunedRows, PrunePlan } from './layers.js';
import { leastSquares, type Moments } from './least-squares.js';

/** Columns that sparsegpt judges together where zeros may be anywhere. */
const BLOCK = 128;
/** Times over all fours, and steps of conjugate gradients; rows beyond so many weights get a quarter, as each costs the square of them. */
const SWEEPS = 8;
const STEPS = 64;
const LONG = 2048;

/** Outputs `weights`, `bias` where the layer `hasBias` and its moments are there, `signal` and `noise` of the weights. */
export function pruneGraph(l: PrunedRows, plan: PrunePlan, moments: Moments | undefined, hasBias: boolean): Graph {
  const g = new ConstantGraph();
  const turned = (v: Value, perm: readonly number[]) => g.op('Transpose', [v], { perm });
  const [factors, k] = [moments?.gram.dims[0] ?? 1, l.k];
  const rows = l.rows / factors;
  const effort = k > LONG ? 4 : 1;
  /** The last axis from channels of taps to taps of channels, and back. */
  const grouped = (v: Value, lead: readonly number[]) => exchanged(v, lead, [l.depth, l.taps]);
  const exchanged = (v: Value, lead: readonly number[], [a, b]: readonly [number, number]) => {
    if (a === 1 || b === 1) return v;
    const at = lead.length;
    return g.reshape(turned(g.reshape(v, ...lead, a, b), [...lead.keys(), at + 1, at]), ...lead, k);
  };

  const plain = rowsOf(g, l);
  const w = g.reshape(grouped(plain, [l.rows]), factors, rows, k);
  const attrs = { ratio: plan.ratio, block: plan.pattern === '2:4' ? 4 : plan.score === 'sparsegpt' ? Math.min(BLOCK, k) : k };
  const pruned = (v: Value, more: (Value | undefined)[], given = {}) =>
    g.reshape(g.op('PruneWeights', [g.reshape(v, l.rows, k), ...more], { ...attrs, ...given }, l.product.node.name, 'dsnk'), factors, rows, k);
  /** Zeros where `vector` rows together have the least score: that of one row is the root of the sum of their squares. */
  const together = (vector: number, importance: Value | undefined) => {
    const scores = importance === undefined ? g.op('Mul', [w, w]) : g.op('Mul', [g.op('Mul', [w, w]), g.reshape(importance, factors, 1, k)]);
    const sums = g.op('ReduceSum', [g.reshape(scores, l.rows / vector, vector, k), g.ints(1)], { keepdims: 0 });
    const left = g.op('PruneWeights', [g.op('Sqrt', [sums])], attrs, l.product.node.name, 'dsnk');
    const goes = g.op('Equal', [g.reshape(left, l.rows / vector, 1, k), g.float(0)]);
    return g.reshape(g.op('Where', [goes, g.float(0), g.reshape(w, l.rows / vector, vector, k)]), factors, rows, k);
  };
  const zeroed = (importance?: Value) => (plan.vector === undefined ? pruned(w, [undefined, importance]) : together(plan.vector, importance));
  /** Weights that make up for the zeros among them. */
  const fitted = (gramSum: Value, fit: NonNullable<Moments['fit']>) => {
    const sums = { gram: gramSum, cross: grouped(g.constant(fit.cross), [factors, rows]), inputs: grouped(g.constant(fit.inputs), [factors]) };
    const { least, factor, gram, biasOf } = leastSquares(g, w, sums, fit, hasBias);
    const v = pruned(least, [factor, undefined, gram], { damping: DAMPING, sweeps: SWEEPS / effort, steps: STEPS / effort });
    if (hasBias) g.output(g.reshape(biasOf(v), l.rows), 'bias');
    return v;
  };
  const judged = ({ gram: sum, fit }: Moments) => {
    // Both axes of the gram matrix, one after the other.
    const once = turned(grouped(g.constant(sum), [factors, k]), [0, 2, 1]);
    const gram = grouped(once, [factors, k]);
    return fit === undefined ? zeroed(diagonal(g, gram, sum.dims)) : fitted(gram, fit);
  };
  const v = moments === undefined ? zeroed() : judged(moments);
  const back = exchanged(g.reshape(v, l.rows, k), [l.rows], [l.taps, l.depth]);
  g.output(asWeight(g, l, back), 'weights');
  g.output(g.op('ReduceSumSquare', [plain], { keepdims: 0 }), 'signal');
  g.output(g.op('ReduceSumSquare', [g.op('Sub', [plain, back])], { keepdims: 0 }), 'noise');
  const isZero = g.op('Equal', [back, g.float(0)]);
  g.output(g.op('ReduceSum', [g.op('Cast', [isZero], { to: dtypes.float32.onnx })], { keepdims: 0 }), 'zeros');
  return g.graph;
}
