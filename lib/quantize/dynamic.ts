/**
 * Products whose activations become integers as they come: a range per call, no calibration.
 *
 *     %y = MatMul(%x, W)   →   %q, %s, %z = DynamicQuantizeLinear(%x);  %y = Mul(Cast(MatMulInteger(%q, W int8, %z)), Mul(%s, t[N]))
 *
 * and the same for Gemm, with its bias added. One DynamicQuantizeLinear serves all products that read a tensor.
 */
import { dtypes } from '../dtype.js';
import { Constant, type Graph, type Node, type Value } from '../graph/graph.js';
import type { Product } from './islands.js';
import type { QuantizedWeight } from './weights.js';

/** Where weights are to stand as [K, N]: a Gemm with transB has them as [N, K]. */
export const isTurned = ({ node }: Product) => node.op === 'Gemm' && node.int('transB', 0) !== 0;

/** Why a product stays float32; undefined where it need not. */
export function refusal({ node, bias }: Product): string | undefined {
  if (node.op !== 'MatMul' && node.op !== 'Gemm') return 'its activations would need a range per call, which convolutions of other runtimes do not take';
  return node.op === 'Gemm' && node.inputs[2] !== undefined && bias === undefined ? 'its bias is no row' : undefined;
}

/** What a product becomes: nodes named after it, with these behind a slash. */
export const dynamicParts = ['quantize', 'integers', 'cast', 'factor', 'scaled', 'bias'] as const;

/** `weights` as [K, N] with one scale a column or one for all. */
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
    const add = (op: string, inputs: Value[], as: (typeof dynamicParts)[number], attrs: Record<string, number> = {}, outputs = 1): Node => {
      const made = graph.createNode(op, inputs, { name: `${name}/${as}`, attrs, outputs });
      nodes.push(made);
      return made;
    };
    const x = node.input(0);
    const q = integers.get(x) ?? add('DynamicQuantizeLinear', [x], 'quantize', {}, 3);
    integers.set(x, q);
    const weight = graph.addConstant(w.constant, `${product.weight.name}/q`);
    const scale = graph.addConstant(Constant.of('float32', w.perChannel ? [w.scales.length] : [], w.scales), `${product.weight.name}/scale`);
    const sums = add('MatMulInteger', [q.output(0), weight, q.output(2)], 'integers').output();
    const floats = add('Cast', [sums], 'cast', { to: dtypes.float32.onnx }).output();
    const factor = add('Mul', [q.output(1), scale], 'factor').output();
    let last = add('Mul', [floats, factor], 'scaled').output();
    if (product.bias !== undefined) last = add('Add', [last, cloned.get(product.bias) as Value], 'bias').output();
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
