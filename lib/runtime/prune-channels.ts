/** A model with fewer channels or heads: which go, the graph without them, and what is left fitted again. */
import { dsnkError } from '../errors.js';
import type { Graph, Node, Value } from '../graph/graph.js';
import { inferGraph } from '../ops/infer.js';
import { allocate, HeadCount, type Savings } from '../prune/allocate.js';
import { bundlesOf, MacCount } from '../prune/bundles.js';
import { type ChannelGroups, channelGroups } from '../prune/channel-groups.js';
import { type ChannelPlan, FIRST } from '../prune/layers.js';
import { type Shrunk, shrink, staying } from '../prune/shrink.js';
import type { Keep } from '../quantize/islands.js';
import { declaredShapes, settle } from './quantize-source.js';
import { rankBundles } from './rank-channels.js';
import { repairChannels } from './repair-channels.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';
import { surveyWeights } from './survey.js';

export interface PrunedChannels extends Shrunk {
  readonly groups: ChannelGroups;
  readonly macsBefore: number;
  readonly macsAfter: number;
  readonly goes: (unit: number) => boolean;
  /** Of layers that keep all their output channels: why. */
  readonly reasons: ReadonlyMap<Node, string>;
}

export interface ChannelsPlan extends ChannelPlan {
  readonly biasCorrection: boolean;
  readonly options: SessionOptions;
  readonly onLayer: (done: number, total: number) => void;
}

/** `first` is a layer that stays beside those that `keep` names. */
export async function pruneChannels(
  source: Graph,
  keep: Keep,
  first: Node | undefined,
  samples: readonly Feeds[],
  plan: ChannelsPlan,
): Promise<PrunedChannels> {
  const dimsOf = concreteDims(source, samples[0]);
  const found = channelGroups(source, (node) => node === first || keep(node), dimsOf);
  const groups = { ...found, kept: new Map([...found.kept].map(([node, why]) => [node, node === first && !keep(node) ? FIRST : why])) };
  const heads = plan.pattern === 'heads';
  const bundles = bundlesOf(groups, heads);
  if (bundles.length === 0) throw nothing(source, groups, heads);
  await surveyWeights(groups.layers.map((l) => l.product));
  const macs = new MacCount(source, groups, dimsOf);
  const macsBefore = macs.left;
  const savings: Savings = heads ? new HeadCount(bundles.reduce((n, b) => n + b.roots.length, 0)) : macs;
  let [done, total] = [0, 2 * bundles.length];
  const onLayer = () => plan.onLayer(++done, total);
  const rankings = await rankBundles(source, groups.units, bundles, samples, { ...plan, onLayer });
  const gone = allocate(rankings, savings, plan);
  if (gone === undefined) {
    const most = `${Math.floor(1000 * (1 - savings.left / savings.total)) / 1000}`;
    const what = heads ? 'heads' : 'multiplications';
    throw dsnkError(
      'ERR_DSNK_INVALID_ARGUMENT',
      `model "${source.name}"`,
      `ratio must be at most ${most}, the share of ${what} that leaves every layer something`,
      `${plan.ratio} came`,
    );
  }
  if (heads) macs.remove([...gone]);
  const goes = (unit: number) => gone.has(groups.units.root(unit));
  const shrunk = shrink(source, groups, goes);
  await settle(shrunk.graph);
  const repaired =
    samples.length === 0 || !plan.repair
      ? shrunk
      : await repairChannels(source, groups, shrunk, goes, samples, {
          ...plan,
          onLayer: (layer, layers) => {
            total = bundles.length + layers;
            done = bundles.length + layer - 1;
            onLayer();
          },
        });
  return { ...repaired, groups, macsBefore, macsAfter: Math.round(macs.left), goes, reasons: reasonsOf(groups, goes, heads) };
}

/** Dimensions of all values for the first feed, or for sizes of our choice. */
export function concreteDims(source: Graph, feed: Feeds | undefined): (v: Value) => readonly number[] | undefined {
  const { graph, map } = source.clone();
  const shapes = feed === undefined ? declaredShapes(graph) : graph.inputs.map((v) => feed[v.name]?.dims ?? []);
  graph.inputs.forEach((v, i) => {
    v.shape = shapes[i];
  });
  try {
    inferGraph(graph, { concrete: true });
  } catch {
    // A shape depends on contents: what is behind it has symbols.
  }
  return (v) => {
    const shape = map.get(v)?.shape;
    return shape?.every((d) => typeof d === 'number') ? (shape as readonly number[]) : undefined;
  };
}

function reasonsOf({ units, layers, kept }: ChannelGroups, goes: (unit: number) => boolean, heads: boolean): Map<Node, string> {
  const reasons = new Map(kept);
  for (const { product, out } of layers) {
    if (staying(out, goes).length < out.length) continue;
    const pinned = out.map((u) => units.reason(u)).find((why) => why !== undefined);
    const other = units.isHead(out[0] as number) === heads ? 'others cost less' : heads ? 'it makes no heads' : 'it makes heads of attention';
    reasons.set(product.node, pinned ?? other);
  }
  return reasons;
}

function nothing(source: Graph, groups: ChannelGroups, heads: boolean) {
  const came = [...reasonsOf(groups, () => false, heads)].map(([node, why]) => `${node.where}: ${why}`).join('; ') || 'it has no layers with constant weights';
  return dsnkError('ERR_DSNK_INVALID_ARGUMENT', `model "${source.name}"`, `model must have ${heads ? 'heads of attention' : 'channels'} that can go`, came);
}
