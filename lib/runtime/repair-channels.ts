/** What is left of a model after channels went is fitted to what the whole model computes: sessions on feeds, layer by layer. */
import type { Constant, Graph, Node, Value } from '../graph/graph.js';
import type { ChannelGroups, Layer } from '../prune/channel-groups.js';
import { repairGraph } from '../prune/least-squares.js';
import { momentsGraph } from '../prune/moments.js';
import { type Shrunk, staying } from '../prune/shrink.js';
import { takesBias, writePruned } from '../prune/write.js';
import { weightRows } from '../quantize/few-bits.js';
import { findProducts, type Product } from '../quantize/islands.js';
import { type ChannelMeans, channelMeans, correctBiases } from './correct-biases.js';
import { constantOf, gatherMoments } from './fit-layers.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';
import { runConstants } from './survey.js';

export interface RepairPlan {
  readonly biasCorrection: boolean;
  readonly options: SessionOptions;
  readonly onLayer: (done: number, total: number) => void;
}

/** Layers whose inputs are not what they were, with their smaller twins and the output channels that these have, front to back. */
function changedLayers(source: Graph, { layers }: ChannelGroups, { graph, map }: Shrunk, goes: (unit: number) => boolean) {
  const layerOf = new Map(layers.map((l) => [l.product.node, l]));
  const twins = new Map(findProducts(graph, () => false).products.map((p) => [p.node, p]));
  const changed = new Set<Value>();
  const found: { readonly layer: Layer; readonly twin: Product; readonly rows: readonly number[] }[] = [];
  for (const node of source.nodes) {
    const layer = layerOf.get(node);
    const loses = layer !== undefined && layer.groups === 1 && layer.in?.some(goes);
    if (!loses && !node.inputs.some((v) => v !== undefined && changed.has(v))) continue;
    for (const v of node.outputs) changed.add(v);
    const twin = layer && twins.get(map.get(node.output())?.producer as Node);
    if (layer !== undefined && twin !== undefined) found.push({ layer, twin, rows: staying(layer.out, goes) });
  }
  return found;
}

/** The smaller model with other weights, and where the source's values stand in it. */
export async function repairChannels(
  source: Graph,
  groups: ChannelGroups,
  shrunk: Shrunk,
  goes: (unit: number) => boolean,
  samples: readonly Feeds[],
  { biasCorrection, options, onLayer }: RepairPlan,
): Promise<Shrunk> {
  const changed = changedLayers(source, groups, shrunk, goes);
  const weights = new Map<Product, Constant>();
  const biases = new Map<Product, number[]>();
  const write = () => writePruned(shrunk.graph, weights, biases);
  const compose = (): Shrunk => {
    const { graph, map } = write();
    return { graph, map: new Map([...shrunk.map].map(([v, there]) => [v, (map.get(there) ?? there) as Value])) };
  };
  const float = biasCorrection
    ? await channelMeans(
        source,
        changed.map((c) => c.layer.product),
        (v) => v,
        samples,
        options,
      )
    : (new Map() as ChannelMeans);
  for (const [i, { layer, twin, rows }] of changed.entries()) {
    const hasBias = biasCorrection && takesBias(twin);
    const moments = momentsGraph(source, compose(), layer.product, { product: twin, rows });
    if (moments !== undefined) {
      const out = await runConstants(repairGraph(weightRows(twin), await gatherMoments(twin, moments, samples, options), hasBias));
      weights.set(twin, constantOf(out['weights'] as { data: Float32Array; dims: readonly number[] }));
      if (hasBias) biases.set(twin, Array.from(out['bias']?.data as Float32Array));
    } else if (hasBias) {
      const all = float.get(layer.product.node) as Float64Array;
      const wanted: ChannelMeans = new Map([[twin.node, Float64Array.from(rows, (c) => all[c] as number)]]);
      const own = new Map([[twin, twin.bias?.constant?.values() ?? rows.map(() => 0)] as const]);
      weights.set(twin, twin.weight.constant as Constant);
      biases.set(twin, own.get(twin) as number[]);
      await correctBiases(wanted, samples, own, write, options, () => {}, 1);
    }
    onLayer(i + 1, changed.length);
  }
  return compose();
}
