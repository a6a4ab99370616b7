/** The report's figures of time and memory: the float model and what was made of it in alternation. */
import type { Graph } from '../graph/graph.js';
import { dynamicParts } from '../quantize/dynamic.js';
import type { MemoryReport, SpeedReport } from '../quantize/report.js';
import { type ModelCost, measureCosts } from './measure-costs.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';

export interface Timed<Layer> {
  readonly speed: SpeedReport;
  readonly memory: MemoryReport;
  readonly layers: readonly Layer[];
}

/** Microseconds of the nodes that a layer has become; undefined where it has none of its own. */
function layerUs({ nodesUs }: Pick<ModelCost, 'nodesUs'>, name: string): number | undefined {
  const times = [name, ...dynamicParts.map((part) => `${name}/${part}`)].map((node) => nodesUs.get(node)).filter((us) => us !== undefined);
  return times.length === 0 ? undefined : times.reduce((a, b) => a + b);
}

export async function timeModels<Layer extends { readonly name: string }>(
  float: Graph,
  { graph, layers }: { readonly graph: Graph; readonly layers: readonly Layer[] },
  samples: readonly Feeds[],
  options: SessionOptions,
  onProgress: (done: number, total: number) => void,
): Promise<Timed<Layer>> {
  const { threads, runs, models } = await measureCosts([float, graph], samples, options, onProgress);
  const [before, after] = models as [ModelCost, ModelCost];
  return {
    speed: { threads, runs, medianMsBefore: before.medianMs, medianMsAfter: after.medianMs },
    memory: {
      weightBytesBefore: before.weightBytes,
      weightBytesAfter: after.weightBytes,
      arenaBytesBefore: before.arenaBytes,
      arenaBytesAfter: after.arenaBytes,
    },
    layers: layers.map((layer) => {
      const [medianUsBefore, medianUsAfter] = [layerUs(before, layer.name), layerUs(after, layer.name)];
      return { ...layer, ...(medianUsBefore !== undefined && { medianUsBefore }), ...(medianUsAfter !== undefined && { medianUsAfter }) };
    }),
  };
}
