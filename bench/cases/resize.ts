/** Resize as models use it: feature pyramids (nearest, linear), super-resolution and photo preprocessing (cubic, antialias). */
import type { TypedArray } from '../../lib/dtype.js';
import { resizeNearestParams, resizeParams } from '../../lib/kernels/resize.js';
import { type AxisTable, axisTable, type Interpolation } from '../../lib/ops/resize-axis.js';
import { randomFloats } from '../../test/kernels/harness.js';

export interface ResizeCase {
  readonly name: string;
  /** outer, inH, inW, inner. */
  readonly from: readonly [number, number, number, number];
  readonly to: readonly [outH: number, outW: number];
  readonly how: Interpolation;
  /** Part of the image that is shown; beyond 0…1 there is nothing. */
  readonly crop?: readonly [number, number];
  /** Big enough to be worth timing. */
  readonly bench?: boolean;
}

const base = { nearest: 'round_prefer_floor', cubicA: -0.75, excludeOutside: false, antialias: false } as const;
const linear: Interpolation = { ...base, mode: 'linear' };
const cubic: Interpolation = { ...base, mode: 'cubic' };
const nearest: Interpolation = { ...base, mode: 'nearest' };

export const weightedCases: readonly ResizeCase[] = [
  { name: 'one pixel', from: [1, 1, 1, 1], to: [3, 5], how: linear },
  { name: 'planar, odd', from: [3, 5, 7, 1], to: [11, 17], how: linear },
  { name: 'planar, one row', from: [2, 1, 37, 1], to: [1, 70], how: cubic },
  { name: 'rgb', from: [2, 6, 9, 3], to: [13, 5], how: cubic },
  { name: 'columns only', from: [2, 8, 5, 19], to: [3, 5], how: linear },
  { name: 'rows only', from: [2, 8, 5, 19], to: [8, 21], how: linear },
  { name: 'channels past one chunk', from: [1, 4, 130, 130], to: [7, 131], how: linear },
  { name: 'antialias', from: [2, 33, 65, 1], to: [7, 9], how: { ...linear, antialias: true } },
  { name: 'antialias, channels', from: [1, 33, 40, 5], to: [7, 9], how: { ...cubic, antialias: true } },
  { name: 'nothing to do', from: [2, 5, 9, 3], to: [5, 9], how: linear },
  { name: 'no images', from: [0, 5, 9, 3], to: [4, 4], how: linear },
  { name: 'crop beyond the edge', from: [2, 8, 9, 1], to: [6, 20], how: linear, crop: [-0.25, 0.75] },
  { name: 'crop beyond the edge, channels', from: [1, 8, 9, 20], to: [6, 20], how: cubic, crop: [0.25, 1.5] },
  { name: 'pyramid 2x, channels last', from: [1, 40, 40, 256], to: [80, 80], how: linear, bench: true },
  { name: 'pyramid 2x, planar', from: [256, 40, 40, 1], to: [80, 80], how: linear, bench: true },
  { name: 'mask 4x, planar', from: [21, 128, 128, 1], to: [512, 512], how: linear, bench: true },
  { name: 'photo to 224, antialias', from: [3, 768, 1024, 1], to: [224, 299], how: { ...cubic, antialias: true }, bench: true },
];

export const nearestCases: readonly ResizeCase[] = [
  { name: 'one pixel', from: [1, 1, 1, 1], to: [3, 5], how: nearest },
  { name: 'planar, odd', from: [3, 5, 7, 1], to: [11, 17], how: nearest },
  { name: 'rgb down', from: [2, 16, 19, 3], to: [7, 5], how: nearest },
  { name: 'rows only', from: [2, 8, 5, 4], to: [8, 21], how: nearest },
  { name: 'columns only', from: [2, 8, 5, 4], to: [3, 5], how: nearest },
  { name: 'crop beyond the edge', from: [2, 8, 9, 2], to: [6, 20], how: nearest, crop: [-0.25, 0.75] },
  { name: 'pyramid 2x, channels last', from: [1, 40, 40, 256], to: [80, 80], how: nearest, bench: true },
  { name: 'pyramid 2x, planar', from: [256, 40, 40, 1], to: [80, 80], how: nearest, bench: true },
];

export interface ResizeTables {
  readonly h: AxisTable | undefined;
  readonly w: AxisTable | undefined;
}

export function tablesOf(c: ResizeCase): ResizeTables {
  const axis = (input: number, output: number) =>
    axisTable({ input, output, scale: output / input, coordinates: c.crop ? 'tf_crop_and_resize' : 'half_pixel', roi: c.crop ?? [0, 1] }, c.how);
  return { h: axis(c.from[1], c.to[0]), w: axis(c.from[2], c.to[1]) };
}

const starts = (t: AxisTable | undefined) => t && Int32Array.from(t.start);

/** The call `resize` for a case: schema, parameters and operands (the output is made by the caller). */
export function weightedCall(c: ResizeCase, value = 0, weights: typeof Float32Array | typeof Float64Array = Float32Array) {
  const { h, w } = tablesOf(c);
  const [outer, inH, inW, inner] = c.from;
  const [outH, outW] = c.to;
  const weightsOf = (t: AxisTable | undefined) => t && weights.from(t.weights);
  return {
    schema: resizeParams,
    params: { outer, inH, outH, inW, outW, inner, tapsH: h?.taps ?? 0, tapsW: w?.taps ?? 0, extrapolate: c.crop ? 1 : 0, value },
    tables: [starts(h), weightsOf(h), starts(w), weightsOf(w)] as (TypedArray | undefined)[],
    x: randomFloats(outer * inH * inW * inner, 7, -4, 4),
    outputLength: outer * outH * outW * inner,
  };
}

/** The call `resize_nearest` for a case of float32. */
export function nearestCall(c: ResizeCase, value = 0) {
  const { h, w } = tablesOf(c);
  const [outer, inH, inW, inner] = c.from;
  const [outH, outW] = c.to;
  return {
    schema: resizeNearestParams,
    params: { outer, inH, outH, inW, outW, innerBytes: inner * 4 },
    tables: [starts(h), starts(w), c.crop && new Float32Array(inner).fill(value)] as (TypedArray | undefined)[],
    x: randomFloats(outer * inH * inW * inner, 7, -4, 4),
    outputLength: outer * outH * outW * inner,
  };
}
