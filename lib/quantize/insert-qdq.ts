/**
 * Writes the quantized model: standard QuantizeLinear and DequantizeLinear around every tensor of the islands, int8 weights and
 * int32 biases behind DequantizeLinear. Runtimes that compute in integers fuse these into the node between.
 */
import { Constant, type Graph, type Node, type Value } from '../graph/graph.js';
import type { ActivationType, Affine } from './affine.js';
import type { Islands, Product } from './islands.js';
import { biasIntegers, type QuantizedWeight } from './weights.js';

export interface QdqPlan {
  readonly islands: Islands;
  readonly affine: (tensor: Value) => Affine;
  readonly weight: (product: Product) => QuantizedWeight;
  readonly activation: ActivationType;
  /** The bias of a product that has one, as it is to be written. */
  readonly bias: (product: Product) => ArrayLike<number>;
}

/** A new graph and where the source's values stand in it; the source stays as it is. */
export function insertQdq(source: Graph, plan: QdqPlan): { graph: Graph; map: ReadonlyMap<Value, Value> } {
  const { graph, map } = source.clone();
  const here = (v: Value) => map.get(v) as Value;
  const before: Node[] = [];
  const after = new Map<Node, Node[]>();
  const zeroType = plan.activation === 'u8' ? ('uint8' as const) : ('int8' as const);

  const parameters = new Map<Value, readonly [Value, Value]>();
  const parametersOf = (root: Value) => {
    let pair = parameters.get(root);
    if (pair === undefined) {
      const { scale, zero } = plan.affine(root);
      pair = [
        graph.addConstant(Constant.of('float32', [], [scale]), `${root.name}/scale`),
        graph.addConstant(Constant.of(zeroType, [], [zero]), `${root.name}/zero`),
      ];
      parameters.set(root, pair);
    }
    return pair;
  };

  for (const [tensor, root] of plan.islands.tensors) {
    const v = here(tensor);
    const [scale, zero] = parametersOf(root);
    const { name } = v;
    const q = graph.createNode('QuantizeLinear', [v, scale, zero], { name: `${name}/q` });
    const d = graph.createNode('DequantizeLinear', [q.output(), scale, zero], { name: `${name}/dq` });
    q.output().name = `${name}/q`;
    graph.replaceValue(v, d.output());
    d.output().name = `${name}/dq`;
    // An input that is an output as well comes out as it went in.
    if (v.producer === undefined) graph.outputs.splice(0, graph.outputs.length, ...graph.outputs.map((o) => (o === d.output() ? v : o)));
    else if (graph.outputs.includes(d.output())) {
      d.output().name = name;
      v.name = `${name}/float`;
    }
    if (v.producer === undefined) before.push(q, d);
    else after.set(v.producer, [...(after.get(v.producer) ?? []), q, d]);
  }
  const weights = new Map<string, Value>();
  for (const product of plan.islands.products) {
    const node = here(product.node.output()).producer as Node;
    const w = plan.weight(product);
    const { name } = product.weight;
    const axis = w.perChannel ? { axis: product.axis } : {};
    // A weight that two products read is written once, as long as they want the same scales.
    const key = `${name}:${product.axis}:${w.scales.join()}`;
    let dequantized = weights.get(key);
    if (dequantized === undefined) {
      const scale = graph.addConstant(Constant.of('float32', w.perChannel ? [w.scales.length] : [], w.scales), `${name}/scale`);
      // Four bits without a zero point: two numbers of them would share a byte.
      const { dtype } = w.constant;
      const zeros = () => graph.addConstant(new Constant(dtype, w.perChannel ? [w.scales.length] : [], () => new Uint8Array(w.scales.length)), `${name}/zero`);
      const d = graph.createNode('DequantizeLinear', [graph.addConstant(w.constant, `${name}/q`), scale, dtype === 'int8' ? zeros() : undefined], {
        name: `${name}/dq`,
        attrs: axis,
      });
      before.push(d);
      dequantized = d.output();
      weights.set(key, dequantized);
    }
    node.inputs[1] = dequantized;
    if (product.bias === undefined) continue;
    const x = plan.affine(plan.islands.tensors.get(product.node.input(0)) as Value);
    const { values, scales } = biasIntegers(plan.bias(product), w.scales, x.scale);
    const many = scales.length > 1;
    const d = graph.createNode(
      'DequantizeLinear',
      [
        graph.addConstant(Constant.of('int32', [values.length], values), `${product.bias.name}/q`),
        graph.addConstant(Constant.of('float32', many ? [scales.length] : [], scales), `${product.bias.name}/scale`),
      ],
      { name: `${product.bias.name}/dq`, attrs: many ? { axis: 0 } : {} },
    );
    before.push(d);
    node.inputs[2] = d.output();
  }
  graph.nodes = [...before, ...graph.nodes.flatMap((n) => [n, ...(after.get(n) ?? [])])];
  return { graph, map };
}
