/** Which channels go together, which stay, and that a graph without channels that were zero anyway computes the same. */
import { describe, expect, it } from 'vitest';
import { Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { inferGraph } from '../../lib/ops/infer.js';
import { type ChannelGroups, channelGroups } from '../../lib/prune/channel-groups.js';
import { shrink, staying } from '../../lib/prune/shrink.js';
import { constant, op, outputOf, tensor } from '../quantize/nets.js';

const pads = [1, 1, 1, 1];
const ints = (g: Graph, ...values: number[]) => g.addConstant(Constant.of('int64', [values.length], values));

/** A convolution with a bias. */
function conv(g: Graph, x: Value, channels: readonly [number, number], seed: number, as: string, group = 1, kernel = 3): Value {
  const weight = constant(g, [channels[1], channels[0] / group, kernel, kernel], seed);
  return op(g, 'Conv', [x, weight, constant(g, [channels[1]], seed + 1)], { group, ...(kernel === 3 && { pads }) }, as);
}

/** From the input [N, 4, 6, 6] to the output. */
type Net = (g: Graph, x: Value) => Value;

const image = ['N', 4, 6, 6] as const;
function graphOf(net: Net, input: readonly (string | number)[] = image): Graph {
  const g = new Graph('net');
  const y = net(g, g.addInput('x', 'float32', [...input]));
  y.name = 'y';
  g.outputs.push(y);
  inferGraph(g, { concrete: false });
  return g;
}

function groupsOf(graph: Graph, keep: (name: string) => boolean = () => false): ChannelGroups {
  const { graph: concrete, map } = graph.clone();
  for (const v of concrete.inputs) v.shape = v.shape?.map((d) => (typeof d === 'number' ? d : 3));
  inferGraph(concrete, { concrete: true });
  return channelGroups(
    graph,
    (node) => keep(node.name),
    (v) => map.get(v)?.shape as number[],
  );
}

const freeRoots = ({ units, layers }: ChannelGroups) => [
  ...new Set(layers.flatMap((l) => l.out.filter((u) => units.reason(u) === undefined).map((u) => units.root(u)))),
];

/** By name of the layer: the unit of each output channel by the order of first appearance, `-` where it stays. */
function picture(groups: ChannelGroups): Record<string, string> {
  const names = new Map<number, number>();
  const nameOf = (u: number) => {
    if (groups.units.reason(u) !== undefined) return '-';
    const root = groups.units.root(u);
    if (!names.has(root)) names.set(root, names.size);
    return String(names.get(root));
  };
  return Object.fromEntries(groups.layers.map((l) => [l.product.node.name, l.out.map(nameOf).join(' ')]));
}

/** The same graph with zeros where weights would go that read channels which go. */
function zeroed(graph: Graph, groups: ChannelGroups, goes: (u: number) => boolean): Graph {
  const { graph: copy } = graph.clone();
  for (const { product, groups: count, in: units } of groups.layers) {
    if (count > 1 || units === undefined) continue;
    const weight = product.weight.constant as Constant;
    const { dims } = weight;
    const axis = 1 - product.axis;
    const inner = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
    const values = (weight.values() as number[]).map((v, i) => (goes(units[Math.floor(i / inner) % units.length] as number) ? 0 : v));
    const node = copy.nodes[graph.nodes.indexOf(product.node)];
    if (node) node.inputs[1] = copy.addConstant(Constant.of('float32', dims, values));
  }
  return copy;
}

const residual: Net = (g, x) => {
  const a = op(g, 'Relu', [conv(g, x, [4, 6], 1, 'stem')]);
  const b = op(g, 'Relu', [conv(g, a, [6, 5], 3, 'inner')]);
  const sum = op(g, 'Add', [conv(g, b, [5, 6], 5, 'back'), a]);
  return conv(g, sum, [6, 2], 7, 'last');
};
const joined: Net = (g, x) => {
  const [a, b] = [conv(g, x, [4, 3], 1, 'left'), op(g, 'Tanh', [conv(g, x, [4, 2], 3, 'right')])];
  const both = op(g, 'MaxPool', [op(g, 'Concat', [a, x, b], { axis: 1 })], { kernel_shape: [2, 2] });
  return conv(g, both, [9, 2], 5, 'last');
};
const depthwise: Net = (g, x) => {
  const a = conv(g, x, [4, 6], 1, 'wide');
  const b = op(g, 'Clip', [conv(g, a, [6, 12], 3, 'depthwise', 6), g.addConstant(Constant.of('float32', [], [-0.2]))]);
  return conv(g, conv(g, b, [12, 4], 5, 'grouped', 2), [4, 2], 7, 'last');
};
const gated: Net = (g, x) => {
  const a = op(g, 'HardSwish', [conv(g, x, [4, 6], 1, 'wide')]);
  const pooled = op(g, 'GlobalAveragePool', [a]);
  const squeezed = op(g, 'Relu', [conv(g, pooled, [6, 3], 3, 'squeeze', 1, 1)]);
  const gate = op(g, 'Sigmoid', [conv(g, squeezed, [3, 6], 5, 'excite', 1, 1)]);
  return conv(g, op(g, 'Mul', [a, gate]), [6, 2], 7, 'last');
};
const normalized: Net = (g, x) => {
  const a = conv(g, x, [4, 6], 1, 'first');
  const positive = g.addConstant(Constant.of('float32', [6], [1, 2, 3, 4, 5, 6]));
  const b = op(g, 'BatchNormalization', [a, constant(g, [6], 11), constant(g, [6], 12), constant(g, [6], 13), positive]);
  const c = op(g, 'PRelu', [op(g, 'Mul', [b, constant(g, [6, 1, 1], 14)]), constant(g, [6, 1, 1], 15)]);
  const flat = op(g, 'Flatten', [op(g, 'AveragePool', [c], { kernel_shape: [3, 3], strides: [3, 3] })]);
  return op(g, 'Gemm', [flat, constant(g, [24, 2], 16), constant(g, [2], 17)], {}, 'last');
};
const cut: Net = (g, x) => {
  const a = conv(g, x, [4, 6], 1, 'first');
  const split = g.addNode('Split', [a, ints(g, 2, 4)], { attrs: { axis: 1 }, outputs: 2 });
  const b = conv(g, split.output(0), [2, 4], 3, 'second');
  const sum = op(g, 'Sub', [b, split.output(1)]);
  const tail = op(g, 'Slice', [sum, ints(g, 1), ints(g, 9), ints(g, 1)]);
  const padded = op(g, 'Pad', [tail, ints(g, 0, 1, 0, 0, 0, 2, 0, 0)]);
  return conv(g, op(g, 'Add', [padded, conv(g, x, [4, 6], 5, 'third')]), [6, 2], 7, 'last');
};
/** [N, 6, 16] with `heads` heads of 4: queries, keys and values of one product, or each of its own. */
const attention =
  (fused: boolean, heads = 3): Net =>
  (g, x) => {
    const d = heads * 4;
    const bias = (v: Value, n: number, seed: number) => op(g, 'Add', [v, constant(g, [n], seed)]);
    const turned = (v: Value, perm: number[]) => op(g, 'Transpose', [v], { perm });
    const own = (seed: number, name: string) =>
      turned(op(g, 'Reshape', [bias(op(g, 'MatMul', [x, constant(g, [16, d], seed)], {}, name), d, seed + 1), ints(g, 0, 6, heads, 4)]), [0, 2, 1, 3]);
    const parts = () => {
      if (!fused) return [own(1, 'q'), own(3, 'k'), own(5, 'v')] as const;
      const all = bias(op(g, 'MatMul', [x, constant(g, [16, 3 * d], 1)], {}, 'qkv'), 3 * d, 2);
      const five = turned(op(g, 'Reshape', [all, ints(g, 0, 6, 3, heads, 4)]), [2, 0, 3, 1, 4]);
      const at = (i: number) => op(g, 'Gather', [five, g.addConstant(Constant.of('int64', [], [i]))], { axis: 0 });
      return [at(0), at(1), at(2)] as const;
    };
    const [q, k, v] = parts();
    const scores = op(g, 'Mul', [op(g, 'MatMul', [q, turned(k, [0, 1, 3, 2])]), g.addConstant(Constant.of('float32', [], [0.5]))]);
    const seen = turned(op(g, 'MatMul', [op(g, 'Softmax', [scores], { axis: -1 }), v]), [0, 2, 1, 3]);
    return op(g, 'MatMul', [op(g, 'Reshape', [seen, ints(g, 0, 6, d)]), constant(g, [d, 5], 7)], {}, 'out');
  };
const tokens = ['N', 6, 16] as const;

describe('units', () => {
  it('of a sum are the same, and outputs of the model stay', () => {
    expect(picture(groupsOf(graphOf(residual)))).toEqual({ stem: '0 1 2 3 4 5', inner: '6 7 8 9 10', back: '0 1 2 3 4 5', last: '- -' });
  });

  it('stay where one of a sum does', () => {
    const kept = picture(groupsOf(graphOf(residual), (name) => name === 'stem'));
    expect(kept).toEqual({ inner: '0 1 2 3 4', back: '- - - - - -', last: '- -' });
  });

  it('of a concatenation are its parts', () => {
    const groups = groupsOf(graphOf(joined));
    expect(picture(groups)).toEqual({ left: '0 1 2', right: '3 4', last: '- -' });
    const last = groups.layers.find((l) => l.product.node.name === 'last');
    const reasons = last?.in?.map((u) => groups.units.reason(u));
    expect(reasons?.map((why, i) => (i >= 3 && i < 7 ? why === '"x" stays' : why === undefined))).toEqual(Array.from({ length: 9 }, () => true));
  });

  it('of groups are those of their inputs', () => {
    expect(picture(groupsOf(graphOf(depthwise)))).toEqual({
      wide: '0 0 0 1 1 1',
      depthwise: '0 0 0 0 0 0 1 1 1 1 1 1',
      grouped: '0 0 1 1',
      last: '- -',
    });
  });

  it('of a gate are those of what it is a gate of', () => {
    expect(picture(groupsOf(graphOf(gated)))).toEqual({ wide: '0 1 2 3 4 5', squeeze: '6 7 8', excite: '0 1 2 3 4 5', last: '- -' });
  });

  it('come in between by padding, and go on through slices and splits', () => {
    const { first, second, third } = picture(groupsOf(graphOf(cut)));
    expect([first, second, third]).toEqual(['0 1 2 3 4 5', '2 3 4 5', '6 3 4 5 7 8']);
  });

  it.each([true, false])('of attention are heads, queries, keys and values of one product: %s', (fused) => {
    const groups = groupsOf(graphOf(attention(fused), tokens));
    const each = '0 0 0 0 1 1 1 1 2 2 2 2';
    expect(picture(groups)).toEqual(fused ? { qkv: `${each} ${each} ${each}`, out: '- - - - -' } : { q: each, k: each, v: each, out: '- - - - -' });
    expect(freeRoots(groups).every((u) => groups.units.isHead(u))).toBe(true);
    expect(groups.headProducts.length).toBe(2);
  });

  it.each<[string, Net, RegExp]>([
    ['a reshape across them', (g, x) => op(g, 'Reshape', [conv(g, x, [4, 6], 1, 'c'), ints(g, 0, 2, 3, 6, 6)]), /Reshape .* cuts them/],
    ['a norm over them', (g, x) => op(g, 'Softmax', [conv(g, x, [4, 6], 1, 'c')], { axis: 1 }), /Softmax .* looks at all of them/],
    ['an operator without a rule', (g, x) => op(g, 'LRN', [conv(g, x, [4, 6], 1, 'c')], { size: 3 }), /LRN .* needs all/],
    ['a sum with an input', (g, x) => op(g, 'Add', [conv(g, x, [4, 4], 1, 'c'), x]), /Add .* joins them with "x", which stays/],
    ['a product with each other', (g, x) => op(g, 'MatMul', [conv(g, x, [4, 6], 1, 'c'), op(g, 'Tanh', [conv(g, x, [4, 6], 3, 'd')])]), /.*/],
    [
      'their number asked for',
      (g, x) => op(g, 'Reshape', [x, op(g, 'Shape', [op(g, 'Tanh', [conv(g, x, [4, 4], 1, 'c')])])]),
      /Shape .* asks for their number/,
    ],
  ])('stay before %s', (name, net, message) => {
    const groups = groupsOf(graphOf(net));
    const reasons = groups.layers[0]?.out.map((u) => groups.units.reason(u)) ?? [];
    // Channels are a batch to a product of two images: they go together, like heads.
    if (name.startsWith('a product')) return expect(groups.headProducts.length).toBe(1);
    for (const why of reasons) expect(why).toMatch(message);
    return undefined;
  });
});

describe('a graph without channels', () => {
  it.each<[string, Net, readonly (string | number)[]]>([
    ['a sum', residual, image],
    ['a concatenation', joined, image],
    ['groups', depthwise, image],
    ['a gate', gated, image],
    ['norms and a flattened tensor', normalized, image],
    ['splits, slices and pads', cut, image],
    ['heads of one product', attention(true), tokens],
    ['heads of three', attention(false), tokens],
  ])('that were zero means the same: %s', async (_, net, input) => {
    const graph = graphOf(net, input);
    const groups = groupsOf(graph);
    const roots = freeRoots(groups);
    expect(roots.length).toBeGreaterThan(1);
    for (const left of [1, 2]) {
      const gone = new Set(roots.filter((_, i) => i % 3 >= left));
      const goes = (u: number) => gone.has(groups.units.root(u));
      const small = shrink(graph, groups, goes).graph;
      for (const { product, out } of groups.layers) {
        const shape = small.nodes.find((n) => n.name === product.node.name)?.output().shape ?? [];
        expect(shape[product.node.op === 'Conv' ? 1 : shape.length - 1]).toBe(staying(out, goes).length);
      }
      for (const batch of [2, 5]) {
        const feed = { x: tensor(99, batch, ...(input.slice(1) as number[])) };
        const [want, got] = [await outputOf(zeroed(graph, groups, goes), feed), await outputOf(small, feed)];
        expect(got.length).toBe(want.length);
        // Sums of other blocks of products: the same but for rounding.
        got.forEach((v, i) => {
          expect(Math.abs(v - (want[i] as number))).toBeLessThan(1e-5);
        });
      }
    }
  });

  it('is the same where nothing goes', async () => {
    const graph = graphOf(residual);
    const { graph: small } = shrink(graph, groupsOf(graph), () => false);
    const feed = { x: tensor(5, 2, 4, 6, 6) };
    expect(await outputOf(small, feed)).toEqual(await outputOf(graph, feed));
  });
});
