/**
 * What it costs that input channels of a layer go, as graphs.
 *
 *     sums over feeds: x·xᵀ, x, and the energy of what the layer's result is part of → inverse of the centred x·xᵀ → for each channel c the loss
 *     ‖W_c·(P_cc)^-½‖², where all others make up for it; once some are gone, P and W of the rest
 */
import { dtypes } from '../dtype.js';
import { Emitter } from '../graph/emitter.js';
import { type Constant, Graph, type Value } from '../graph/graph.js';
import { DAMPING, diagonal, rowsOf, weightRows } from '../quantize/few-bits.js';
import { type RunningSum, runningSum, seenRows, summed } from '../quantize/gram.js';
import type { Product } from '../quantize/islands.js';
import { ConstantGraph } from '../quantize/observe.js';
import type { Layer } from './channel-groups.js';
import { addition, columnsOf } from './moments.js';

/** Input channels of a layer as blocks of columns of its weight, all of `width`, and the unit of each. */
export interface Blocks {
  readonly layer: Layer;
  readonly units: readonly number[];
  readonly width: number;
}

export function blocksOf(layer: Layer): Blocks {
  const lane = layer.in ?? [];
  const { k } = weightRows(layer.product);
  // A tensor was flattened: as many columns one after the other are of one channel.
  let run = 1;
  while (run < lane.length && lane[run] === lane[0]) run++;
  const even = lane.length % run === 0 && lane.every((u, i) => u === lane[i - (i % run)]);
  const step = even ? run : 1;
  return { layer, units: lane.filter((_, i) => i % step === 0), width: (k / lane.length) * step };
}

export interface SeenSums {
  readonly gram: RunningSum;
  readonly inputs: RunningSum;
  readonly count: RunningSum;
  readonly results: RunningSum;
  readonly energy: RunningSum;
}

/** For products without groups. Products whose windows are not known are left out. */
export function sumsGraph(source: Graph, products: readonly Product[]): { readonly graph: Graph; readonly sums: ReadonlyMap<Product, SeenSums> } {
  const { graph, map } = source.clone();
  graph.outputs.length = 0;
  const g = new Emitter(graph);
  const total = (v: Value) => g.op('ReduceSum', [v, g.ints(0, 1, 3)], { keepdims: 0 });
  const sums = new Map<Product, SeenSums>();
  for (const [i, product] of products.entries()) {
    const seen = seenRows(graph, product, map.get(product.node.input(0)) as Value);
    if (seen === undefined) continue;
    const { k, columns } = seen;
    const rows = product.weight.constant?.dims[product.axis] as number;
    const result = addition(source, product.node.output())?.output() ?? product.node.output();
    const y = columnsOf(g, product, map.get(result) as Value, 1, rows);
    const one = g.op('Cast', [g.op('Size', [columns])], { to: dtypes.float32.onnx });
    sums.set(product, {
      gram: runningSum(graph, `gram:${i}`, summed(graph, seen, columns), [1, k, k]),
      inputs: runningSum(graph, `inputs:${i}`, total(columns), [k]),
      count: runningSum(graph, `count:${i}`, one, []),
      results: runningSum(graph, `results:${i}`, total(y), [rows]),
      energy: runningSum(graph, `energy:${i}`, g.op('ReduceSumSquare', [y], { keepdims: 0 }), []),
    });
  }
  return { graph, sums };
}

/** Outputs `shares`: of each output channel of the weight, of all its energy, and `columns`: of each block; times `gram` where it is there. */
export function energyGraph({ layer, width }: Blocks, gram: Constant | undefined): Graph {
  const g = new ConstantGraph();
  const l = weightRows(layer.product);
  const w = rowsOf(g, l);
  const squares = g.op('Mul', [w, w]);
  const weighed = gram === undefined ? squares : g.op('Mul', [squares, diagonal(g, g.constant(gram), gram.dims)]);
  const share = (v: Value) => g.op('Div', [v, g.op('Max', [g.op('ReduceSum', [v], { keepdims: 0 }), g.float(1e-30)])]);
  g.output(share(g.op('ReduceSum', [weighed, g.ints(1)], { keepdims: 0 })), 'rows');
  const columns = g.op('ReduceSum', [weighed, g.ints(0)], { keepdims: 0 });
  g.output(share(g.op('ReduceSum', [g.reshape(columns, -1, width), g.ints(1)], { keepdims: 0 })), 'columns');
  return g.graph;
}

/** What the steps of an elimination start from: outputs `inverse` [k, k] and `weights` [rows, k]. */
export function startGraph({ layer }: Blocks, gram: Constant, inputs: Constant, count: number): Graph {
  const g = new ConstantGraph();
  const l = weightRows(layer.product);
  const sum = g.constant(inputs);
  const centred = g.op('Sub', [g.constant(gram), g.op('Mul', [g.reshape(sum, l.k, 1), g.op('Div', [g.reshape(sum, 1, l.k), g.float(count)])])]);
  const [u] = g.ops('FactorHessian', [centred], 2, { damping: DAMPING, sorted: 0 }, 'dsnk') as readonly [Value, Value];
  const factor = g.reshape(g.op('Cast', [u], { to: dtypes.float32.onnx }), l.k, l.k);
  g.output(g.op('MatMul', [g.op('Transpose', [factor], { perm: [1, 0] }), factor]), 'inverse');
  g.output(rowsOf(g, l), 'weights');
  return g.graph;
}

/** From `inverse` and `weights` to `losses` of all blocks; those that are gone have 0. */
export function lossesGraph({ layer, units, width }: Blocks): Graph {
  const { rows, k } = weightRows(layer.product);
  const [g, blocks] = [new Emitter(new Graph('losses')), units.length];
  const inverse = g.graph.addInput('inverse', 'float32', [k, k]);
  const weights = g.graph.addInput('weights', 'float32', [rows, k]);
  const squares = g.op('Transpose', [g.reshape(inverse, blocks, width, blocks, width)], { perm: [0, 2, 1, 3] });
  const own = g.ints(...Array.from({ length: blocks }, (_, i) => i * (blocks + 1)));
  const diagonals = g.op('Gather', [g.reshape(squares, blocks * blocks, width, width), own], { axis: 0 });
  const factors = factorOf(g, diagonals);
  const columns = g.op('Transpose', [g.reshape(weights, rows, blocks, width)], { perm: [1, 0, 2] });
  const lost = g.op('MatMul', [columns, g.op('Transpose', [factors], { perm: [0, 2, 1] })]);
  const losses = g.op('ReduceSumSquare', [lost, g.ints(1, 2)], { keepdims: 0 });
  losses.name = 'losses';
  g.graph.outputs.push(losses);
  return g.graph;
}

/** U of every square, Uᵀ·U being its inverse. */
const factorOf = (g: Emitter, squares: Value) =>
  g.op('Cast', [(g.ops('FactorHessian', [squares], 2, { damping: 0, sorted: 0 }, 'dsnk') as readonly [Value, Value])[0]], { to: dtypes.float32.onnx });

/** From `inverse` and `weights` and the columns that go (`gone`, with `left` 0 at those and at all before, 1 elsewhere) to both without them. */
export function removalGraph({ layer }: Blocks): Graph {
  const { rows, k } = weightRows(layer.product);
  const g = new Emitter(new Graph('removal'));
  const inverse = g.graph.addInput('inverse', 'float32', [k, k]);
  const weights = g.graph.addInput('weights', 'float32', [rows, k]);
  const gone = g.graph.addInput('gone', 'int64', ['columns']);
  const left = g.graph.addInput('left', 'float32', [k]);
  const strip = g.op('Gather', [inverse, gone], { axis: 0 });
  const square = g.op('Unsqueeze', [g.op('Gather', [strip, gone], { axis: 1 }), g.ints(0)]);
  const factor = g.op('Squeeze', [factorOf(g, square), g.ints(0)]);
  const a = g.op('MatMul', [factor, strip]);
  const turned = (v: Value) => g.op('Transpose', [v], { perm: [1, 0] });
  const rest = g.op('Sub', [inverse, g.op('MatMul', [turned(a), a])]);
  const masked = g.op('Mul', [g.op('Mul', [rest, left]), g.reshape(left, k, 1)]);
  const lost = g.op('MatMul', [g.op('Gather', [weights, gone], { axis: 1 }), turned(factor)]);
  const moved = g.op('Mul', [g.op('Sub', [weights, g.op('MatMul', [lost, a])]), left]);
  for (const [v, name] of [
    [masked, 'inverse:after'],
    [moved, 'weights:after'],
  ] as const) {
    v.name = name;
    g.graph.outputs.push(v);
  }
  return g.graph;
}
