/** Weights and biases of a layer fitted to the results that are wanted from it. */
import { dtypes } from '../dtype.js';
import type { Emitter } from '../graph/emitter.js';
import type { Constant, Graph, Value } from '../graph/graph.js';
import { asWeight, DAMPING, rowsOf, type WeightRows } from '../quantize/few-bits.js';
import { ConstantGraph } from '../quantize/observe.js';

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

export interface LeastSquares {
  /** [factors, rows, k] */
  readonly least: Value;
  /** Uᵀ·U is the inverse of `gram`, which is that of inputs without their means where there is a bias. */
  readonly factor: Value;
  readonly gram: Value;
  /** The bias that gives results of these weights the means that are wanted: [factors, rows]. */
  readonly biasOf: (weights: Value) => Value;
}

/** `w` [factors, rows, k] plus what the results wanted differ by, damped. */
export function leastSquares(
  g: Emitter,
  w: Value,
  sums: { readonly gram: Value; readonly cross: Value; readonly inputs: Value },
  { results, count }: NonNullable<Moments['fit']>,
  hasBias: boolean,
  damping = DAMPING,
): LeastSquares {
  let { gram, cross } = sums;
  const [factors, rows] = results.dims as [number, number];
  const mean = (sum: Value) => g.op('Div', [sum, g.float(count)]);
  const means = g.op('Unsqueeze', [mean(sums.inputs), g.ints(1)]);
  const wanted = g.reshape(g.constant(results), factors, rows, 1);
  if (hasBias) {
    gram = g.op('Sub', [gram, g.op('Mul', [g.op('Unsqueeze', [sums.inputs, g.ints(2)]), means])]);
    cross = g.op('Sub', [cross, g.op('Mul', [wanted, means])]);
  }
  const [factor] = g.ops('FactorHessian', [gram], 2, { damping, sorted: 0 }, 'dsnk') as readonly [Value, Value];
  const u = g.op('Cast', [factor], { to: dtypes.float32.onnx });
  const missing = g.op('Sub', [cross, g.op('MatMul', [w, gram])]);
  const least = g.op('Add', [w, g.op('MatMul', [g.op('MatMul', [missing, g.op('Transpose', [u], { perm: [0, 2, 1] })]), u])]);
  const biasOf = (weights: Value) => g.op('Sub', [mean(g.constant(results)), g.op('ReduceSum', [g.op('Mul', [weights, means]), g.ints(2)], { keepdims: 0 })]);
  return { least, factor, gram, biasOf };
}

/** Outputs `weights`, and `bias` where the layer `hasBias`. */
export function repairGraph(l: WeightRows, { gram, fit }: Required<Moments>, hasBias: boolean): Graph {
  const g = new ConstantGraph();
  const factors = gram.dims[0] as number;
  const w = g.reshape(rowsOf(g, l), factors, l.rows / factors, l.k);
  const sums = { gram: g.constant(gram), cross: g.constant(fit.cross), inputs: g.constant(fit.inputs) };
  // Few places tell little about many weights: these then stay near what they were.
  const { least, biasOf } = leastSquares(g, w, sums, fit, hasBias, DAMPING + l.k / (2 * Math.max(fit.count, 1)));
  g.output(asWeight(g, l, g.reshape(least, l.rows, l.k)), 'weights');
  if (hasBias) g.output(g.reshape(biasOf(least), l.rows), 'bias');
  return g.graph;
}
