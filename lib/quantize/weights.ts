/**
 * Weights as signed integers, symmetric about zero, one scale per output channel or per tensor. Everything that looks at
 * elements is a graph on constants that a session computes; scales, of which there is one per channel, are chosen here.
 */
import { elementCount } from '../graph/dim.js';
import { Constant, type Value } from '../graph/graph.js';
import { scaleOver } from './affine.js';
import type { Product } from './islands.js';
import { ConstantGraph } from './observe.js';

export const algorithms = ['rtn', 'mse'] as const;
export type Algorithm = (typeof algorithms)[number];

/** The least integer is left out: -128·-128 + … would need one more bit than the rest. */
const MOST = 127;

/** Shrunken clips that `mse` tries. Half a percent of the channel's largest weight apart: an eighth of the gain is left at most. */
export const SHRINKS: readonly number[] = Array.from({ length: 60 }, (_, i) => 1 - i * 0.01).filter((s) => s > 0.4);

export interface WeightScales {
  readonly product: Product;
  /** One per channel, or one. */
  readonly scales: Float32Array;
  readonly perChannel: boolean;
}

export interface QuantizedWeight extends WeightScales {
  readonly constant: Constant;
  readonly sqnrDb: number;
  readonly notes: readonly string[];
}

const dimsOf = (p: Product) => (p.weight.constant as Constant).dims;
export const channelsOf = (p: Product) => dimsOf(p)[p.axis] as number;

const others = (p: Product) =>
  dimsOf(p)
    .map((_, i) => i)
    .filter((i) => i !== p.axis);

/** Largest magnitude per channel, extremes of the whole (for NaN and infinities), and the energy: `max:i`, `extremes:i`, `energy:i`. */
export function surveyGraph(products: readonly Product[]): ConstantGraph {
  const g = new ConstantGraph();
  const ranges = g.floats([1]);
  products.forEach((p, i) => {
    const w = g.constant(p.weight.constant as Constant);
    g.output(g.op('ReduceMax', [g.op('Abs', [w]), g.ints(...others(p))], { keepdims: 0 }), `max:${i}`);
    const histogram = g.graph.addNode('Histogram', [w, ranges], { domain: 'dsnk', outputs: 2, attrs: { bins: 1, index: 0 } });
    g.output(histogram.output(1), `extremes:${i}`);
    g.output(g.op('ReduceSumSquare', [w], { keepdims: 0 }), `energy:${i}`);
  });
  return g;
}

/** The scales that cover everything; all-zero channels get 1. */
export function coveringScales(maxima: ArrayLike<number>, perChannel: boolean): Float32Array {
  const list = Array.from(maxima);
  return Float32Array.from(perChannel ? list : [list.reduce((a, b) => Math.max(a, b), 0)], (m) => scaleOver(m, MOST));
}

/** The integers of a weight under given scales, clipped to ±127. */
function integers(g: ConstantGraph, w: Value, s: WeightScales, scale: Value): Value {
  const zero = g.constant(new Constant('int8', s.perChannel ? [s.scales.length] : [], () => new Uint8Array(s.scales.length)));
  const q = g.op('QuantizeLinear', [w, scale, zero], s.perChannel ? { axis: s.product.axis } : {});
  return g.op('Max', [q, g.constant(Constant.of('int8', [], [-MOST]))]);
}

const scaleConstant = (s: WeightScales) => Constant.of('float32', s.perChannel ? [s.scales.length] : [], s.scales);

/** Squared error per channel (or of the whole) where all scales are multiplied by the input `shrink`: outputs `error:i`. */
export function errorGraph(list: readonly WeightScales[]): ConstantGraph {
  const g = new ConstantGraph();
  const shrink = g.graph.addInput('shrink', 'float32', []);
  list.forEach((s, i) => {
    const w = g.constant(s.product.weight.constant as Constant);
    const scale = g.op('Mul', [g.constant(scaleConstant(s)), shrink]);
    const back = g.op('DequantizeLinear', [integers(g, w, s, scale), scale], s.perChannel ? { axis: s.product.axis } : {});
    const axes = s.perChannel ? others(s.product) : dimsOf(s.product).map((_, k) => k);
    g.output(g.op('ReduceSumSquare', [g.op('Sub', [w, back]), g.ints(...axes)], { keepdims: 0 }), `error:${i}`);
  });
  return g;
}

/** The integers themselves: outputs `q:i`. */
export function integerGraph(list: readonly WeightScales[]): ConstantGraph {
  const g = new ConstantGraph();
  list.forEach((s, i) => {
    g.output(integers(g, g.constant(s.product.weight.constant as Constant), s, g.constant(scaleConstant(s))), `q:${i}`);
  });
  return g;
}

/** Largest bias in steps of the accumulator: half of what 32 bits hold, the rest is for the sum. */
const MOST_BIAS = 2 ** 30;
/** Steps for the bias of a channel whose weights are all zero: as exact as a float32. */
const BIAS_STEPS = 2 ** 23;

/**
 * A bias is an integer in steps of xScale·wScale. Where that overflows, the channel's scale grows until it fits: its weights
 * are negligible beside the bias then. An all-zero channel gets the scale that says its bias best.
 * Returns notes for the report.
 */
export function fitBias(scales: Float32Array, maxima: ArrayLike<number>, bias: ArrayLike<number>, xScale: number): string[] {
  let changed = 0;
  for (let c = 0; c < bias.length; c++) {
    const b = Math.abs(bias[c] as number);
    const at = scales.length === 1 ? 0 : c;
    const empty = scales.length > 1 && (maxima[c] as number) === 0 && b > 0;
    const least = Math.fround(b / xScale / (empty ? BIAS_STEPS : MOST_BIAS));
    if (!empty && least <= (scales[at] as number)) continue;
    scales[at] = Math.max(least, 2 ** -126);
    changed++;
  }
  return changed === 0
    ? []
    : [`${changed} ${changed === 1 ? 'channel has' : 'channels have'} a scale that fits the bias: the weights are small beside it, or zero`];
}

/** The bias in steps of xScale·wScale, which is a float32 product as runtimes compute it. */
export function biasIntegers(bias: ArrayLike<number>, scales: Float32Array, xScale: number): { values: Int32Array; scales: Float32Array } {
  const steps = Float32Array.from(scales, (s) => Math.fround(s * xScale));
  const values = Int32Array.from(bias, (b, c) => {
    const step = steps[steps.length === 1 ? 0 : c] as number;
    return step === 0 ? 0 : Math.min(Math.max(Math.round(b / step), -(2 ** 31)), 2 ** 31 - 1);
  });
  return { values, scales: steps };
}

export function weightElements(p: Product): number {
  return elementCount(dimsOf(p));
}
