/** What a quantization did: one entry per layer and tensor, and the whole model. Plain objects: JSON.stringify writes them, and null for the Infinity dB of what is equal. */
import type { Graph, Node } from '../graph/graph.js';
import { type ActivationType, type Affine, coverage, type Range } from './affine.js';
import type { FewBitsAlgorithm } from './algorithms.js';
import { decibels } from './compare.js';
import type { WeightBits } from './few-bits.js';
import type { Histogram } from './histogram.js';
import { type Observer, squaredError } from './observers.js';

export interface TensorReport {
  readonly name: string;
  /** What the integers cover. */
  readonly range: Range;
  /** What calibration saw. */
  readonly seen: Range;
  readonly scale: number;
  readonly zeroPoint: number;
  /** Share of the elements outside the range. */
  readonly clippedShare: number;
  /** Signal to noise of this tensor alone, from its histogram. */
  readonly sqnrDb: number;
}

export interface LayerReport {
  readonly name: string;
  readonly op: string;
  /** Bits of the weights, 32 where the layer stayed in float32. */
  readonly bits: number;
  /** Why it stayed in float32. */
  readonly reason?: string;
  readonly weights: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Of the weights alone. */
  readonly weightSqnrDb?: number;
  readonly input?: TensorReport;
  /** Of the layer's result in the whole quantized model, with all errors from before it. */
  readonly outputSqnrDb?: number;
  /** Of the layer's kernel calls, where the model was timed. A layer that was fused into another has none of its own. */
  readonly medianUsBefore?: number;
  readonly medianUsAfter?: number;
  readonly notes: readonly string[];
}

/** Results of the whole quantized model over a few feeds. */
export interface OutputReport {
  readonly name: string;
  /** Infinity where nothing differs. */
  readonly sqnrDb: number;
}

/** Of both models in alternation, on the machine that quantized. */
export interface SpeedReport {
  readonly threads: number;
  /** Of each model. */
  readonly runs: number;
  readonly medianMsBefore: number;
  readonly medianMsAfter: number;
}

/** Of a session, once it has run. */
export interface MemoryReport {
  /** Packed. */
  readonly weightBytesBefore: number;
  readonly weightBytesAfter: number;
  /** Intermediate results. */
  readonly arenaBytesBefore: number;
  readonly arenaBytesAfter: number;
}

/** One figure of the float model and of the quantized one. */
export interface AxisReport {
  readonly axis: 'accuracy' | 'speed' | 'memory';
  readonly what: string;
  readonly unit: 'dB' | 'ms' | 'bytes' | '';
  /** Left out where the float model is what the other is compared with. */
  readonly before?: number;
  readonly after: number;
}

/** What every report on a model that was made smaller has. */
export interface ModelReport {
  /** Calibration feeds seen. */
  readonly feeds: number;
  readonly outputs: readonly OutputReport[];
  /** Of the model file. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Where the models were timed. */
  readonly speed?: SpeedReport;
  readonly memory?: MemoryReport;
  /** Accuracy, speed and memory side by side: what of them was measured. */
  readonly axes: readonly AxisReport[];
  readonly notes: readonly string[];
}

export interface QuantizeReport extends ModelReport {
  readonly method: 'static' | 'weight-only' | 'dynamic';
  /** How activations became integers, where they did. */
  readonly observer?: Observer;
  readonly activation?: ActivationType;
  readonly weights: {
    readonly bits: WeightBits;
    readonly perChannel?: boolean;
    readonly groupSize?: number | 'channel';
    readonly symmetric?: boolean;
    readonly algorithm: FewBitsAlgorithm;
  };
  readonly layers: readonly LayerReport[];
  readonly metricBefore?: number;
  readonly metricAfter?: number;
  /** False where a target was given and not met. */
  readonly targetMet?: boolean;
}

/** What a method makes of a model. */
export interface MethodResult {
  readonly graph: Graph;
  /** Without what only the files say. */
  readonly report: Omit<QuantizeReport, 'bytesBefore' | 'bytesAfter' | 'axes'>;
}

type Measured = Pick<QuantizeReport, 'metricBefore' | 'metricAfter' | 'outputs' | 'speed' | 'memory' | 'bytesBefore' | 'bytesAfter'> & {
  readonly macsBefore?: number;
  readonly macsAfter?: number;
};

export function axesOf(report: Measured): AxisReport[] {
  const { metricBefore: before, metricAfter, outputs, speed, memory, bytesBefore, bytesAfter } = report;
  const rows: AxisReport[] = [];
  if (metricAfter !== undefined) rows.push({ axis: 'accuracy', what: 'metric', unit: '', ...(before !== undefined && { before }), after: metricAfter });
  for (const o of outputs) rows.push({ axis: 'accuracy', what: `signal to noise of ${o.name}`, unit: 'dB', after: o.sqnrDb });
  const { macsBefore, macsAfter } = report;
  if (macsBefore !== undefined && macsAfter !== undefined)
    rows.push({ axis: 'speed', what: 'multiplications', unit: '', before: macsBefore, after: macsAfter });
  if (speed !== undefined) rows.push({ axis: 'speed', what: 'run', unit: 'ms', before: speed.medianMsBefore, after: speed.medianMsAfter });
  rows.push({ axis: 'memory', what: 'file', unit: 'bytes', before: bytesBefore, after: bytesAfter });
  if (memory === undefined) return rows;
  rows.push({ axis: 'memory', what: 'weights', unit: 'bytes', before: memory.weightBytesBefore, after: memory.weightBytesAfter });
  rows.push({ axis: 'memory', what: 'intermediate results', unit: 'bytes', before: memory.arenaBytesBefore, after: memory.arenaBytesAfter });
  return rows;
}

/** The reason of a layer that measurement has kept in float32. */
export const FASTER = 'faster so on this machine';

/** The entries of layers that stay in float32, with the reason of each. */
export function keptLayers(kept: ReadonlyMap<Node, string>): LayerReport[] {
  return [...kept].map(([node, reason]) => {
    const size = node.inputs[1]?.constant?.byteLength ?? 0;
    return { name: node.name, op: node.op, bits: 32, reason, weights: size / 4, bytesBefore: size, bytesAfter: size, notes: [] };
  });
}

export function tensorReport(name: string, h: Histogram, map: Affine, type: ActivationType): TensorReport {
  const range = coverage(map);
  const seen = h.low > h.high ? { low: 0, high: 0 } : { low: h.low, high: h.high };
  let [outside, signal] = [0, 0];
  for (let i = 0; i < h.bins; i++) {
    const n = h.counts[i] as number;
    if (n === 0) continue;
    const x = h.centre(i);
    if (x < range.low - map.scale / 2 || x > range.high + map.scale / 2) outside += n;
    signal += n * x * x;
  }
  const { total } = h;
  return {
    name,
    range,
    seen,
    scale: map.scale,
    zeroPoint: map.zero,
    clippedShare: total === 0 ? 0 : outside / total,
    sqnrDb: decibels(signal, squaredError(h, range, type)),
  };
}
