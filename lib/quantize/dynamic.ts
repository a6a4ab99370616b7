/**
 * Products whose activations become integers as they come: a range per call, no calibration.
 *
 *     %y = MatMul(%x, W)   →   %q, %s, %z = DynamicQuantizeLinear(%x);  %y = Mul(Cast(MatMulInteger(%q, W int8, %z)), Mul(%s, t[N]))
 *
 * and the same for Gemm, with its bias added, and for Conv with ConvInteger, whose scales and bias stand as [M,1,1]. One DynamicQuantizeLinear
 * serves all products that read a tensor.
 */
import { dtypes } from '../dtype.js';
import { elementCount } from '../graph/dim.js';
import { type AttrValue, Constant, type Graph, type Node, type Value } from '../graph/graph.js';
import type { Product } from './islands.js';
import type { QuantizedWeight } from './weights.js';

/** Where weights are to stand as [K, N]: a Gemm with transB has them as [N, K]. */
export const isTurned = ({ node }: Product) => node.op === 'Gemm' && node.int('transB', 0) !== 0;

/** Filters of fewer channels have too few products to pay for the way into integers. */
const LEAST_CHANNELS = 4;

/** Why a product stays float32; undefined where it need not. */
export function refusal({ node, bias }: Product): string | undefined {
  if (node.op === 'ConvTranspose') return 'no operator of ONNX transposes a convolution of integers';
  if (node.op === 'Conv' && node.int('group', 1) > 1 && (node.input(1).dims[1] as number) < LEAST_CHANNELS) return 'its filters have few channels';
  return node.inputs[2] !== undefined && bias === undefined ? 'its bias is no row' : undefined;
}

/** What a product becomes: nodes named after it, with these behind a slash. */
export const dynamicParts = ['quantize', 'integers', 'cast', 'factor', 'scaled', 'bias'] as const;

/** `weights` as [K, N], or those of a convolution, with one scale a column or one for all. */
export function writeDynamic(source: Graph, weights: ReadonlyMap<Product, QuantizedWeight>): { graph: Graph; map: ReadonlyMap<Value, Value> } {
  const { graph, map: cloned } = source.clone();
  const map = new Map(cloned);
  const inserted = new Map<Node, Node[]>();
  const integers = new Map<Value, Node>();
  for (const [product, w] of weights) {
    const y = cloned.get(product.node.output()) as Value;
    const node = y.producer as Node;
    const { name } = node;
    const nodes: Node[] = [];
    const add = (op: string, inputs: Value[], as: (typeof dynamicParts)[number], attrs: Record<string, AttrValue> = {}, outputs = 1): Node => {
      const made = graph.createNode(op, inputs, { name: `${name}/${as}`, attrs, outputs });
      nodes.push(made);
      return made;
    };
    const x = node.input(0);
    const q = integers.get(x) ?? add('DynamicQuantizeLinear', [x], 'quantize', {}, 3);
    integers.set(x, q);
    const weight = graph.addConstant(w.constant, `${product.weight.name}/q`);
    // Of the columns of a product, or of channels that image axes follow.
    const columns = (count: number) => [count, ...Array<number>(node.op === 'Conv' ? w.constant.dims.length - 2 : 0).fill(1)];
    const scale = graph.addConstant(Constant.of('float32', w.perChannel ? columns(w.scales.length) : [], w.scales), `${product.weight.name}/scale`);
    const [op, attrs] = node.op === 'Conv' ? (['ConvInteger', Object.fromEntries(node.attrs)] as const) : (['MatMulInteger', {}] as const);
    const sums = add(op, [q.output(0), weight, q.output(2)], 'integers', attrs).output();
    const floats = add('Cast', [sums], 'cast', { to: dtypes.float32.onnx }).output();
    const factor = add('Mul', [q.output(1), scale], 'factor').output();
    let last = add('Mul', [floats, factor], 'scaled').output();
    if (product.bias?.constant !== undefined) {
      const { dtype, dims, read, key } = product.bias.constant;
      const row = new Constant(dtype, node.op === 'Conv' ? columns(elementCount(dims)) : dims, read, key);
      last = add('Add', [last, graph.addConstant(row, `${product.bias.name}/row`)], 'bias').output();
    }
    const made = y.name;
    last.dtype = y.dtype;
    last.shape = y.shape;
    graph.replaceValue(y, last);
    y.name = `${made}/float`;
    last.name = made;
    inserted.set(node, nodes);
    map.set(product.node.output(), last);
  }
  graph.nodes = graph.nodes.flatMap((n) => inserted.get(n) ?? [n]);
  return { graph, map };
}
