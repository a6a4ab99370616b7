/** `quantize` with method dynamic: 8-bit weights, activations that become integers with a range of their own at every call. */
import { dsnkError } from '../errors.js';
import type { Graph, Node, Value } from '../graph/graph.js';
import { isTurned, refusal, writeDynamic } from '../quantize/dynamic.js';
import { findProducts, type Product } from '../quantize/islands.js';
import type { LayerReport, QuantizeReport } from '../quantize/report.js';
import { type Algorithm, type QuantizedWeight, weightElements } from '../quantize/weights.js';
import { measureError } from './measure-error.js';
import type { QuantizeProgress } from './quantize-options.js';
import { settle } from './quantize-source.js';
import { quantizeWeights } from './quantize-weights.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';

export interface DynamicPlan {
  readonly perChannel: boolean;
  readonly algorithm: Algorithm;
  readonly keep: (node: Node) => boolean;
  /** To measure the error on. */
  readonly samples: readonly Feeds[];
  readonly options: SessionOptions;
  readonly onProgress: (progress: QuantizeProgress) => void;
}

export async function quantizeDynamic(source: Graph, plan: DynamicPlan): Promise<{ graph: Graph; report: Omit<QuantizeReport, 'bytesBefore' | 'bytesAfter'> }> {
  await turn(source, plan.keep);
  const found = findProducts(source, plan.keep);
  const kept = new Map(found.kept);
  const products = found.products.filter((p) => {
    const why = refusal(p);
    if (why !== undefined) kept.set(p.node, why);
    return why === undefined;
  });
  if (products.length === 0) {
    const came = [...kept].map(([node, reason]) => `${node.where}: ${reason}`).join('; ') || 'it has none';
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `model "${source.name}"`, 'model must have a MatMul or Gemm with constant weights to quantize', came);
  }
  // Biases stay floats: no scale has to fit them.
  const bare = products.map((p): Product => ({ ...p, bias: undefined }));
  const quantized = await quantizeWeights(bare, {
    perChannel: plan.perChannel,
    algorithm: plan.algorithm,
    inputScale: () => 1,
    onProgress: (done, total) => plan.onProgress({ stage: 'weights', done, total }),
  });
  const weights = new Map(products.map((p, i) => [p, quantized.get(bare[i] as Product) as QuantizedWeight]));
  const { graph, map } = writeDynamic(source, weights);
  const floats = source.outputs.filter((v) => v.dtype === 'float32');
  const pairs = [
    ...products.map((p) => [p.node.output(), map.get(p.node.output()) as Value] as const),
    ...floats.map((v) => [v, graph.outputs[source.outputs.indexOf(v)] as Value] as const),
  ];
  const { samples } = plan;
  const errors =
    samples.length === 0
      ? []
      : await measureError(source, graph, pairs, samples, plan.options, (done, total) => plan.onProgress({ stage: 'measure', done, total }));
  const layers = products.map((p, i): LayerReport => {
    const w = weights.get(p) as QuantizedWeight;
    const outputSqnrDb = errors[i];
    return {
      name: p.node.name,
      op: p.node.op,
      bits: 8,
      weights: weightElements(p),
      bytesBefore: 4 * weightElements(p),
      bytesAfter: weightElements(p) + 4 * w.scales.length,
      weightSqnrDb: w.sqnrDb,
      ...(outputSqnrDb !== undefined && { outputSqnrDb }),
      notes: w.notes,
    };
  });
  const rest = [...kept].map(([node, reason]): LayerReport => {
    const size = node.inputs[1]?.constant?.byteLength ?? 0;
    return { name: node.name, op: node.op, bits: 32, reason, weights: size / 4, bytesBefore: size, bytesAfter: size, notes: [] };
  });
  return {
    graph,
    report: {
      method: 'dynamic',
      activation: 'u8',
      weights: { bits: 8, perChannel: plan.perChannel, algorithm: plan.algorithm },
      feeds: samples.length,
      layers: [...layers, ...rest],
      outputs: errors.length === 0 ? [] : floats.map((v, i) => ({ name: v.name, sqnrDb: errors[products.length + i] as number })),
      notes: [],
    },
  };
}

/** MatMulInteger has weights as [K, N]: those of a Gemm that has them turned are turned back. */
async function turn(graph: Graph, keep: (node: Node) => boolean): Promise<void> {
  const turned = new Map<Node, Node>();
  for (const p of findProducts(graph, keep).products) {
    if (!isTurned(p) || refusal(p) !== undefined) continue;
    const node = graph.createNode('Transpose', [p.weight], { name: `${p.weight.name}/turned`, attrs: { perm: [1, 0] } });
    node.output().dtype = 'float32';
    node.output().shape = [...p.weight.dims].reverse();
    p.node.inputs[1] = node.output();
    p.node.attrs.set('transB', 0);
    turned.set(p.node, node);
  }
  graph.nodes = graph.nodes.flatMap((n) => (turned.has(n) ? [turned.get(n) as Node, n] : [n]));
  await settle(graph);
}
