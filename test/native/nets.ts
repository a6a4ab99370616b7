/** Small networks whose compiled programs have what single calls lack: several instructions, an init program, sources, an arena. */
import type { DType } from '../../lib/dtype.js';
import { Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { GraphBuilder } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';

const weights = (dims: number[], seed: number) => ({
  type: 'float32' as const,
  dims,
  data: randomFloats(
    dims.reduce((a, b) => a * b, 1),
    seed,
    -0.5,
    0.5,
  ),
});

/** Convolution, a folded normalization, a residual connection, depthwise convolution, pooling, a classifier. */
function convolutional(): Graph {
  const b = new GraphBuilder('convolutional');
  const x = b.input('x', { dataType: 'float32', shape: [1, 3, 10, 9] });
  const scaled = b.add(
    b.mul(b.conv2d(x, b.constant(weights([8, 3, 3, 3], 1)), { padding: [1, 1, 1, 1] }), b.constant(weights([8, 1, 1], 2))),
    b.constant(weights([8, 1, 1], 3)),
  );
  const stem = b.relu(scaled);
  const deep = b.relu(b.conv2d(stem, b.constant(weights([8, 1, 3, 3], 4)), { padding: [1, 1, 1, 1], groups: 8, bias: b.constant(weights([8], 5)) }));
  const joined = b.relu(b.add(b.conv2d(deep, b.constant(weights([8, 8, 1, 1], 6))), stem));
  const half = b.maxPool2d(joined, { windowDimensions: [2, 2], strides: [2, 2] });
  const flat = b.reshape(b.averagePool2d(half), [1, 8]);
  return b.build({ y: b.softmax(b.gemm(flat, b.constant(weights([8, 5], 7)), { c: b.constant(weights([5], 8)) })), features: half });
}

/** A transformer block of two heads. */
function attention(): Graph {
  const b = new GraphBuilder('attention');
  const x = b.input('x', { dataType: 'float32', shape: [1, 6, 16] });
  const norm = b.layerNormalization(x, { scale: b.constant(weights([16], 1)), bias: b.constant(weights([16], 2)), axis: 2 });
  const heads = (seed: number) => b.transpose(b.reshape(b.matmul(norm, b.constant(weights([16, 16], seed))), [1, 6, 2, 8]), { permutation: [0, 2, 1, 3] });
  const [q, k, v] = [heads(3), heads(4), heads(5)];
  const scores = b.softmax(b.mul(b.matmul(q, b.transpose(k, { permutation: [0, 1, 3, 2] })), 8 ** -0.5));
  const mixed = b.reshape(b.transpose(b.matmul(scores, v), { permutation: [0, 2, 1, 3] }), [1, 6, 16]);
  const middle = b.add(b.matmul(mixed, b.constant(weights([16, 16], 6))), x);
  const wide = b.gelu(b.add(b.matmul(middle, b.constant(weights([16, 32], 7))), b.constant(weights([32], 8))));
  return b.build({ y: b.add(b.matmul(wide, b.constant(weights([32, 16], 9))), middle) });
}

const constant = (graph: Graph, dims: number[], seed: number): Value => {
  const { data } = weights(dims, seed);
  return graph.addConstant(new Constant('float32', dims, () => new Uint8Array(data.buffer)));
};

/** A recurrent layer of both directions. */
function recurrent(): Graph {
  const graph = new Graph('recurrent');
  const x = graph.addInput('x', 'float32', [5, 2, 4]);
  const [w, r, bias] = [constant(graph, [2, 9, 4], 1), constant(graph, [2, 9, 3], 2), constant(graph, [2, 18], 3)];
  const node = graph.addNode('GRU', [x, w, r, bias], { name: 'gru', outputs: 2, attrs: { hidden_size: 3, direction: 'bidirectional' } });
  graph.outputs.push(node.output(0), node.output(1));
  return graph;
}

/** What moves elements by indices that only a run knows. */
function moving(): Graph {
  const b = new GraphBuilder('moving');
  const input = (name: string, dataType: DType, shape: number[]) => b.input(name, { dataType, shape });
  const x = input('x', 'float32', [3, 4, 6]);
  const at = input('at', 'int64', [2]);
  const rows = b.gather(x, at, { axis: 1 });
  const [left, right] = b.split(x, [2, 4], { axis: 2 });
  const joined = b.concat([b.slice(right as typeof x, [0, 1, 1], [3, 3, 2]), b.slice(left as typeof x, [0, 0, 0], [3, 3, 2])], 2);
  const flipped = b.transpose(b.pad(joined, [0, 1, 0], [1, 0, 2]), { permutation: [2, 0, 1] });
  return b.build({ rows, flipped, sums: b.reduceSum(x, { axes: [1] }), running: b.cumulativeSum(x, 1), best: b.argMax(x, 2) });
}

/** One operator alone: for kernels that test/kernels does not call by themselves. */
function single(op: string, inputs: readonly (readonly [DType, number[]])[], attrs: Record<string, string | number> = {}): Graph {
  const graph = new Graph(op);
  const node = graph.addNode(
    op,
    inputs.map(([dtype, shape], i) => graph.addInput(`x${i}`, dtype, shape)),
    { name: 'node', attrs },
  );
  graph.outputs.push(node.output());
  return graph;
}

/** A cache that is appended to in place, one that is copied, and a sum over the runs. */
function kept(): Graph {
  const g = new Graph('kept');
  const [row, at] = [g.addInput('row', 'float32', [1, 1, 2]), g.addInput('at', 'int64', [1])];
  const keep = (name: string, make: (state: Value) => Value) => {
    const state = g.addInput(name, 'float32', [1, 4, 2]);
    g.outputs.push(make(state));
    g.states.push({ input: g.inputs.length - 1, output: g.outputs.length - 1 });
    return g.outputs.at(-1) as Value;
  };
  const append = (cache: Value) => g.addNode('TensorScatter', [cache, row, at], { attrs: { axis: 1 } }).output();
  const cache = keep('cache', append);
  const read = keep('read', (state) => append(g.addNode('Relu', [state]).output()));
  const sum = keep('sum', (state) => g.addNode('Add', [state, cache]).output());
  g.outputs.push(g.addNode('Sub', [sum, read]).output());
  return g;
}

export const nets: Readonly<Record<string, () => Graph>> = {
  convolutional,
  attention,
  recurrent,
  moving,
  kept,
  matmul64: () =>
    single('MatMul', [
      ['float64', [3, 4, 5]],
      ['float64', [5, 6]],
    ]),
  einsum: () =>
    single(
      'Einsum',
      [
        ['float64', [3, 4, 5]],
        ['float64', [3, 5, 2]],
      ],
      { equation: 'bij,bjk->ik' },
    ),
  trace: () => single('Einsum', [['float32', [4, 4, 3]]], { equation: 'iik->k' }),
};
