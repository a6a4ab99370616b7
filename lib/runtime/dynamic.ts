/** `quantize` with method dynamic: 8-bit weights, activations that become integers with a range of their own at every call. */
import type { Graph, Node } from '../graph/graph.js';
import { dynamicParts, isTurned, refusal, writeDynamic } from '../quantize/dynamic.js';
import { assertProducts, findProducts, type Island, type Product } from '../quantize/islands.js';
import { FASTER, keptLayers, type LayerReport, type MethodResult } from '../quantize/report.js';
import { type Algorithm, type QuantizedWeight, weightElements } from '../quantize/weights.js';
import { keepFaster } from './keep-faster.js';
import { measureCosts } from './measure-costs.js';
import { measureModel } from './measure-error.js';
import type { QuantizeProgress } from './quantize-options.js';
import { settle } from './quantize-source.js';
import { quantizeWeights } from './quantize-weights.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';

export interface DynamicPlan {
  readonly perChannel: boolean;
  readonly algorithm: Algorithm;
  /** Whether measurement may keep products in float32. */
  readonly auto: boolean;
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
  const attempt = async (slower: ReadonlySet<Product>) => {
    const left = new Map([...weights].filter(([p]) => !slower.has(p)));
    const written = writeDynamic(source, left);
    const progress = (done: number, total: number) => plan.onProgress({ stage: 'measure', done, total });
    return { weights: left, graph: written.graph, ...(await measureModel(source, written, [...left.keys()], plan.samples, plan.options, progress)) };
  };
  let result = await attempt(new Set());
  if (plan.auto) {
    const parts = products.map((p): Island => ({ products: [p], nodes: new Set([p.node.name, ...dynamicParts.map((part) => `${p.node.name}/${part}`)]) }));
    result = await keepFaster(source, parts, result, attempt, (graphs) =>
      measureCosts(graphs, plan.samples, plan.options, (done, total) => plan.onProgress({ stage: 'timing', done, total })),
    );
  }
  for (const p of products) if (!result.weights.has(p)) kept.set(p.node, FASTER);
  const layers = [...result.weights].map(([p, w]): LayerReport => {
    const outputSqnrDb = result.sqnr.get(p.node);
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
    graph: result.graph,
    report: {
      method: 'dynamic',
      activation: 'u8',
      weights: { bits: 8, perChannel: plan.perChannel, algorithm: plan.algorithm },
      feeds: plan.samples.length,
      layers: [...layers, ...keptLayers(kept)],
      outputs: result.outputs,
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
