/** `quantize` with method dynamic: 8-bit weights, activations that become integers with a range of their own at every call. */
import type { Graph, Node } from '../graph/graph.js';
import { isTurned, refusal, writeDynamic } from '../quantize/dynamic.js';
import { assertProducts, findProducts, type Product } from '../quantize/islands.js';
import { keptLayers, type LayerReport, type MethodResult } from '../quantize/report.js';
import { type Algorithm, type QuantizedWeight, weightElements } from '../quantize/weights.js';
import { measureModel } from './measure-error.js';
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

export async function quantizeDynamic(source: Graph, plan: DynamicPlan): Promise<MethodResult> {
  await turn(source, plan.keep);
  const found = findProducts(source, plan.keep);
  const kept = new Map(found.kept);
  const products = found.products.filter((p) => {
    const why = refusal(p);
    if (why !== undefined) kept.set(p.node, why);
    return why === undefined;
  });
  assertProducts(source, { products, kept });
  // Biases stay floats: no scale has to fit them.
  const bare = products.map((p): Product => ({ ...p, bias: undefined }));
  const quantized = await quantizeWeights(bare, {
    perChannel: plan.perChannel,
    algorithm: plan.algorithm,
    inputScale: () => 1,
    onProgress: (done, total) => plan.onProgress({ stage: 'weights', done, total }),
  });
  const weights = new Map(products.map((p, i) => [p, quantized.get(bare[i] as Product) as QuantizedWeight]));
  const written = writeDynamic(source, weights);
  const error = await measureModel(source, written, products, plan.samples, plan.options, (done, total) => plan.onProgress({ stage: 'measure', done, total }));
  const layers = products.map((p): LayerReport => {
    const w = weights.get(p) as QuantizedWeight;
    const outputSqnrDb = error.sqnr.get(p.node);
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
  return {
    graph: written.graph,
    report: {
      method: 'dynamic',
      activation: 'u8',
      weights: { bits: 8, perChannel: plan.perChannel, algorithm: plan.algorithm },
      feeds: plan.samples.length,
      layers: [...layers, ...keptLayers(kept)],
      outputs: error.outputs,
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
