/** Convolution, pooling, products, normalization, attention-shaped functions; WebNN names and options, NCHW / OIHW layouts. */

import { dsnkError, spelled } from '../errors.js';
import type { TensorLike } from '../tensor.js';
import type { Labelled } from './elementwise.js';
import { type Arg, emit, ints, oneOf, type Result, shapeOf } from './operand.js';

type Dense = Exclude<Arg, number>;

/** WebNN's padding order [beginH, endH, beginW, endW] to ONNX's [beginH, beginW, endH, endW]. */
function pads(where: string, padding: readonly number[] = [0, 0, 0, 0]): number[] {
  const [top, bottom, left, right] = integers(where, 'padding', padding, 4) as [number, number, number, number];
  return [top, left, bottom, right];
}

/** A list of so many integers, or an error: one of fewer would silently mean something else. */
function integers(where: string, name: string, list: readonly number[], count: number): readonly number[] {
  if (Array.isArray(list) && list.length === count && list.every((v) => Number.isSafeInteger(v))) return list;
  throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `${name} must be a list of ${count} integers`, `${spelled(list)} came`);
}

/** Strides and dilations. */
const steps = (where: string, { strides = [1, 1], dilations = [1, 1] }: Pick<Conv2dOptions, 'strides' | 'dilations'>) => ({
  strides: integers(where, 'strides', strides, 2),
  dilations: integers(where, 'dilations', dilations, 2),
});

export interface Conv2dOptions<B extends Dense = Dense> extends Labelled {
  /** [beginningHeight, endingHeight, beginningWidth, endingWidth]; default no padding. */
  readonly padding?: readonly [number, number, number, number];
  readonly strides?: readonly [number, number];
  readonly dilations?: readonly [number, number];
  readonly groups?: number;
  /** [outputChannels] */
  readonly bias?: B;
}

/**
 * y[n,o,p,q] = Σ x[n,c,…]·w[o,c,…] + bias[o]. x: [N,C,H,W]; w: [O,C/groups,kH,kW]; y: [N,O,H',W'] with
 * H' = floor((H + beginning + ending - dilation·(kH-1) - 1) / stride) + 1.
 */
export function conv2d<X extends Dense, W extends Dense>(x: X, w: W, options: Conv2dOptions = {}): Result<X | W> {
  return emit({
    op: 'Conv',
    inputs: [x, w, options.bias],
    attrs: { ...steps('conv2d', options), pads: pads('conv2d', options.padding), group: options.groups ?? 1 },
    label: options.label,
  })[0] as Result<X | W>;
}

export interface ConvTranspose2dOptions extends Conv2dOptions {
  readonly outputPadding?: readonly [number, number];
}

/** The gradient of conv2d: x [N,C,H,W], w [C,O/groups,kH,kW]. */
export function convTranspose2d<X extends Dense, W extends Dense>(x: X, w: W, options: ConvTranspose2dOptions = {}): Result<X | W> {
  return emit({
    op: 'ConvTranspose',
    inputs: [x, w, options.bias],
    attrs: {
      ...steps('convTranspose2d', options),
      pads: pads('convTranspose2d', options.padding),
      group: options.groups ?? 1,
      output_padding: integers('convTranspose2d', 'outputPadding', options.outputPadding ?? [0, 0], 2),
    },
    label: options.label,
  })[0] as Result<X | W>;
}

export interface Pool2dOptions extends Labelled {
  /** Default: the whole spatial extent (global pooling). */
  readonly windowDimensions?: readonly [number, number];
  readonly padding?: readonly [number, number, number, number];
  readonly strides?: readonly [number, number];
  readonly dilations?: readonly [number, number];
  readonly outputShapeRounding?: 'floor' | 'ceil';
}

function pool(op: string, globalOp: string, extra: Record<string, number>) {
  return <X extends Dense>(x: X, options: Pool2dOptions = {}): Result<X> => {
    const { windowDimensions, padding, outputShapeRounding = 'floor', label } = options;
    oneOf(op, 'outputShapeRounding', outputShapeRounding, ['floor', 'ceil']);
    const [{ strides, dilations }, around] = [steps(op, options), pads(op, padding)];
    const plain = around.every((p) => p === 0) && dilations.every((d) => d === 1);
    if (windowDimensions === undefined && plain) {
      return emit({ op: globalOp, inputs: [x], attrs: op === 'LpPool' ? extra : {}, label })[0] as Result<X>;
    }
    const window = windowDimensions ?? shapeOf(x).slice(2);
    if (!Array.isArray(window) || !window.every((d) => typeof d === 'number'))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', op, 'windowDimensions must be two sizes', `${spelled(window)} came`);
    return emit({
      op,
      inputs: [x],
      attrs: { kernel_shape: window, strides, dilations, pads: around, ceil_mode: outputShapeRounding === 'ceil' ? 1 : 0, ...extra },
      label,
    })[0] as Result<X>;
  };
}

/** Mean of each window, padding not counted. x: [N,C,H,W]. */
export const averagePool2d = pool('AveragePool', 'GlobalAveragePool', {});
/** Largest of each window. x: [N,C,H,W]. */
export const maxPool2d = pool('MaxPool', 'GlobalMaxPool', {});
/** Square root of the sum of squares of each window. x: [N,C,H,W]. */
export const l2Pool2d = pool('LpPool', 'GlobalLpPool', { p: 2 });

/** a·b over the last two dimensions, the others broadcast. */
export function matmul<A extends Dense, B extends Dense>(a: A, b: B, options: Labelled = {}): Result<A | B> {
  return emit({ op: 'MatMul', inputs: [a, b], label: options.label })[0] as Result<A | B>;
}

export interface GemmOptions extends Labelled {
  /** Broadcast to [M,N]. */
  readonly c?: Dense;
  readonly alpha?: number;
  readonly beta?: number;
  readonly aTranspose?: boolean;
  readonly bTranspose?: boolean;
}

/** alpha·A·B + beta·C, A [M,K] (or [K,M]), B [K,N] (or [N,K]). */
export function gemm<A extends Dense, B extends Dense>(a: A, b: B, options: GemmOptions = {}): Result<A | B> {
  return emit({
    op: 'Gemm',
    inputs: [a, b, options.c],
    attrs: { alpha: options.alpha ?? 1, beta: options.beta ?? 1, transA: options.aTranspose ? 1 : 0, transB: options.bTranspose ? 1 : 0 },
    label: options.label,
  })[0] as Result<A | B>;
}

/** e^x / Σ e^x along `axis` (default the last). */
export function softmax<X extends Dense>(x: X, axis = -1, options: Labelled = {}): Result<X> {
  return emit({ op: 'Softmax', inputs: [x], attrs: { axis }, label: options.label })[0] as Result<X>;
}

export interface BatchNormalizationOptions extends Labelled {
  readonly scale?: Dense;
  readonly bias?: Dense;
  readonly epsilon?: number;
}

/** (x - mean) / sqrt(variance + epsilon) · scale + bias, per channel (axis 1). */
export function batchNormalization<X extends Dense>(x: X, mean: Dense, variance: Dense, options: BatchNormalizationOptions = {}): Result<X> {
  const channels = shapeOf(mean)[0];
  if (typeof channels !== 'number') throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', 'batchNormalization', 'mean must have a fixed length', String(channels));
  const scale = options.scale ?? filled(channels, 1);
  const bias = options.bias ?? filled(channels, 0);
  return emit({
    op: 'BatchNormalization',
    inputs: [x, scale, bias, mean, variance],
    attrs: { epsilon: options.epsilon ?? 1e-5 },
    label: options.label,
  })[0] as Result<X>;
}

export interface LayerNormalizationOptions extends Labelled {
  readonly scale?: Dense;
  readonly bias?: Dense;
  /** First of the normalized axes, which reach to the last; default the last axis alone. */
  readonly axis?: number;
  readonly epsilon?: number;
}

/** (x - mean) / sqrt(variance + epsilon) · scale + bias over the trailing axes. */
export function layerNormalization<X extends Dense>(x: X, options: LayerNormalizationOptions = {}): Result<X> {
  const axis = options.axis ?? -1;
  const scale = options.scale ?? filled(trailing(x, axis), 1);
  return emit({
    op: 'LayerNormalization',
    inputs: [x, scale, options.bias],
    attrs: { axis, epsilon: options.epsilon ?? 1e-5 },
    label: options.label,
  })[0] as Result<X>;
}

/** Per image and channel: (x - mean) / sqrt(variance + epsilon) · scale + bias. x: [N,C,…]. */
export function instanceNormalization<X extends Dense>(x: X, options: BatchNormalizationOptions = {}): Result<X> {
  const channels = shapeOf(x)[1];
  if (typeof channels !== 'number') throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', 'instanceNormalization', 'channels must be a number', String(channels));
  return emit({
    op: 'InstanceNormalization',
    inputs: [x, options.scale ?? filled(channels, 1), options.bias ?? filled(channels, 0)],
    attrs: { epsilon: options.epsilon ?? 1e-5 },
    label: options.label,
  })[0] as Result<X>;
}

export interface Resample2dOptions extends Labelled {
  readonly mode?: 'nearest-neighbor' | 'linear';
  readonly scales?: readonly [number, number];
  readonly sizes?: readonly [number, number];
  /** Default [2, 3]. */
  readonly axes?: readonly [number, number];
}

/** Resizes two axes, half-pixel centres. */
export function resample2d<X extends Dense>(x: X, options: Resample2dOptions = {}): Result<X> {
  const { mode = 'nearest-neighbor', sizes, scales: factors = [1, 1] } = options;
  oneOf('resample2d', 'mode', mode, ['nearest-neighbor', 'linear']);
  const scales = sizes ? undefined : ({ type: 'float32', dims: [2], data: Float32Array.from(factors) } satisfies TensorLike);
  return emit({
    op: 'Resize',
    inputs: [x, undefined, scales, sizes && ints(sizes)],
    attrs: {
      mode: mode === 'linear' ? 'linear' : 'nearest',
      coordinate_transformation_mode: 'half_pixel',
      nearest_mode: 'round_prefer_floor',
      axes: options.axes ?? [2, 3],
    },
    label: options.label,
  })[0] as Result<X>;
}

function filled(length: number, value: number): TensorLike {
  return { type: 'float32', dims: [length], data: new Float32Array(length).fill(value) };
}

function trailing(x: Dense, axis: number): number {
  const shape = shapeOf(x);
  const dims = shape.slice(axis < 0 ? axis + shape.length : axis);
  if (!dims.every((d) => typeof d === 'number'))
    throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', 'layerNormalization', 'normalized dimensions must be numbers unless scale is given', `[${dims}]`);
  if (dims.length !== 1) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'layerNormalization', 'scale must be given when several axes are normalized');
  return dims[0] as number;
}
