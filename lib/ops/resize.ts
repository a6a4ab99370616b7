/** Resize (opset 19; Upsample arrives as Resize). */

import type { Lowering } from '../compile/lowering.js';
import type { Ref } from '../compile/step.js';
import { byteSize } from '../dtype.js';
import { dsnkError } from '../errors.js';
import { type Dim, elementCount } from '../graph/dim.js';
import { Constant, MAX_COMPUTED } from '../graph/graph.js';
import { resizeNearestParams, resizeParams } from '../kernels/resize.js';
import type { Inference, Operator } from './operator.js';
import { type AxisTable, axisTable, type CoordinateMode, type Interpolation, type NearestMode, type ResizeAxis, tableSize } from './resize-axis.js';

const coordinateModes: readonly string[] = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
  'tf_half_pixel_for_nn',
  'tf_crop_and_resize',
];

/** Input `i` holds elements; an empty tensor stands for "left out" in models of opset 10 to 12. */
function given(q: Inference, i: number): boolean {
  if (!q.has(i)) return false;
  const shape = q.node.input(i).shape;
  return !(shape?.length === 1 && shape[0] === 0);
}

/** The axes that scales, sizes and roi speak of. */
function resizedAxes(q: Pick<Inference, 'node'>, rank: number): number[] {
  const axes = q.node.has('axes') ? q.node.ints('axes') : [...Array(rank).keys()];
  return axes.map((a) => (a < 0 ? a + rank : a));
}

function inferShape(q: Inference): readonly Dim[] {
  const shape = q.shape(0);
  const axes = resizedAxes(q, shape.length);
  if (axes.some((a) => a < 0 || a >= shape.length) || new Set(axes).size !== axes.length) q.fail('axes must name different axes of the input');
  const bySizes = given(q, 3);
  if (bySizes === given(q, 2)) q.fail('exactly one of scales and sizes must be given');
  const out: Dim[] = [...shape];
  if (!bySizes) {
    const scales = q.numbers(2);
    if (scales.length !== axes.length) q.fail(`scales must hold one number per axis, ${axes.length}`, `${scales.length} came`);
    axes.forEach((axis, i) => {
      const scale = scales[i] as number;
      if (!(scale > 0)) q.fail('scales must be positive', `${scale} came`);
      const dim = shape[axis] as Dim;
      // The product is rounded to float32 first, so that 10 · 0.7 is 7.
      if (typeof dim === 'number') out[axis] = Math.floor(Math.fround(dim * Math.fround(scale)));
      else if (scale !== 1) out[axis] = Number.isInteger(scale) ? `${/^\w+$/.test(dim) ? dim : `(${dim})`}*${scale}` : `floor(${dim}*${scale})`;
    });
    return out;
  }
  const sizes = q.dims(3);
  if (sizes.length !== axes.length) q.fail(`sizes must hold one number per axis, ${axes.length}`, `${sizes.length} came`);
  const policy = q.node.string('keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') {
    axes.forEach((axis, i) => {
      out[axis] = sizes[i] as Dim;
    });
    return out;
  }
  if (policy !== 'not_larger' && policy !== 'not_smaller') q.fail('keep_aspect_ratio_policy must be stretch, not_larger or not_smaller', `${policy} came`);
  const wanted = q.numbers(3);
  const lengths = axes.map((axis) => shape[axis] as Dim);
  if (!lengths.every((d) => typeof d === 'number')) return out.map((d, axis) => (axes.includes(axis) ? q.unknownDim() : d));
  const ratios = wanted.map((size, i) => size / (lengths[i] as number));
  const ratio = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  axes.forEach((axis, i) => {
    out[axis] = Math.floor(ratio * (lengths[i] as number) + 0.5);
  });
  return out;
}

function infer(q: Inference) {
  const mode = q.node.string('mode', 'nearest');
  if (mode !== 'nearest' && mode !== 'linear' && mode !== 'cubic') q.fail('mode must be nearest, linear or cubic', `${mode} came`);
  const coordinates = q.node.string('coordinate_transformation_mode', 'half_pixel');
  if (!coordinateModes.includes(coordinates)) q.fail(`coordinate_transformation_mode must be one of ${coordinateModes.join(', ')}`, `${coordinates} came`);
  if (coordinates === 'tf_crop_and_resize' && given(q, 1)) {
    const roi = q.numbers(1);
    const axes = resizedAxes(q, q.rank(0));
    if (roi.length !== 2 * axes.length) q.fail(`roi must hold start and end of ${axes.length} axes`, `${roi.length} numbers came`);
  } else if (coordinates === 'tf_crop_and_resize') {
    q.fail('roi must be given for tf_crop_and_resize');
  }
  return [{ dtype: q.dtype(0), shape: inferShape(q) }];
}

/** A table per axis of the tensor; undefined where the axis stays as it is. */
function axisTables(low: Lowering, how: Interpolation): (AxisTable | undefined)[] {
  const { node } = low;
  const input = low.dims(0);
  const output = low.outDims();
  const coordinates = node.string('coordinate_transformation_mode', 'half_pixel') as CoordinateMode;
  const axes = resizedAxes(low, input.length);
  const roi = coordinates === 'tf_crop_and_resize' ? low.numbers(1) : [];
  // Scales count as given; with sizes, and with a kept aspect ratio, they are what the lengths say.
  const scales = low.has(2) && low.dims(2)[0] !== 0 ? low.numbers(2) : undefined;
  const tables = new Array<AxisTable | undefined>(input.length).fill(undefined);
  axes.forEach((axis, i) => {
    const from = input[axis] as number;
    const to = output[axis] as number;
    const resized: ResizeAxis = {
      input: from,
      output: to,
      scale: scales === undefined ? to / from : (scales[i] as number),
      coordinates,
      roi: [roi[i] ?? 0, roi[axes.length + i] ?? 1],
    };
    const size = tableSize(resized, how);
    if (size > MAX_COMPUTED) {
      const what = `axis ${axis} from ${from} to ${to} positions takes ${size}`;
      throw dsnkError('ERR_DSNK_OUT_OF_MEMORY', node.where, `an axis must take at most ${MAX_COMPUTED} interpolation weights`, what);
    }
    tables[axis] = axisTable(resized, how);
  });
  return tables;
}

/** One kernel call: the axes it works on (`w` may be missing) within the shape as it is before and after it. */
interface Pass {
  readonly h: number;
  readonly w: number | undefined;
}

/** Neighbouring axes are resized in pairs; the rest one by one. */
function passesOf(tables: readonly (AxisTable | undefined)[]): Pass[] {
  const passes: Pass[] = [];
  for (let axis = 0; axis < tables.length; axis++) {
    if (tables[axis] === undefined) continue;
    if (tables[axis + 1] !== undefined) passes.push({ h: axis, w: ++axis });
    else passes.push({ h: axis, w: undefined });
  }
  return passes;
}

function emitPass(low: Lowering, how: Interpolation, pass: Pass, tables: readonly (AxisTable | undefined)[], from: readonly number[], x: Ref, y: Ref): void {
  const dtype = low.dtype(0);
  const length = (axis: number) => from[axis] as number;
  const last = pass.w ?? pass.h;
  const outer = elementCount(from.slice(0, pass.h));
  let inner = elementCount(from.slice(last + 1));
  let [h, w] = [tables[pass.h], pass.w === undefined ? undefined : tables[pass.w]];
  let [inH, inW] = [length(pass.h), pass.w === undefined ? 1 : length(pass.w)];
  if (pass.w === undefined && inner === 1) {
    // A last axis alone: its neighbours fill vectors.
    [h, w] = [undefined, h];
    [inH, inW] = [1, inH];
    inner = 1;
  }
  const outH = h === undefined ? inH : h.start.length;
  const outW = w === undefined ? inW : w.start.length;
  const starts = (t: AxisTable | undefined) => t && low.constant(Constant.of('int32', [t.start.length], t.start));
  const extrapolate = low.node.string('coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize';
  const value = low.node.float('extrapolation_value', 0);
  if (how.mode === 'nearest') {
    const fill = extrapolate ? low.constant(fillOf(low, value, inner)) : undefined;
    const elementBytes = byteSize(low.node.input(0).type, 1);
    low.emit(
      low.select('resize_nearest', dtype),
      resizeNearestParams,
      { outer, inH, outH, inW, outW, innerBytes: inner * elementBytes },
      [y],
      [x, starts(h), starts(w), fill],
    );
    return;
  }
  const wide = dtype === 'f64' || dtype === 'i32' || dtype === 'u32';
  const weights = (t: AxisTable | undefined) => t && low.constant(Constant.of(wide ? 'float64' : 'float32', [t.weights.length], t.weights));
  low.emit(
    low.select('resize', dtype),
    resizeParams,
    { outer, inH, outH, inW, outW, inner, tapsH: h?.taps ?? 0, tapsW: w?.taps ?? 0, extrapolate: extrapolate ? 1 : 0, value },
    [y],
    [x, starts(h), weights(h), starts(w), weights(w)],
  );
}

/** `count` elements of the extrapolation value; types without a number form know only zero. */
function fillOf(low: Lowering, value: number, count: number): Constant {
  const dtype = low.node.input(0).type;
  const plain = ['float32', 'float64', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'];
  if (!plain.includes(dtype) && value !== 0) throw new Error(`an extrapolation value of type ${dtype} has no kernel`);
  if (count > MAX_COMPUTED) {
    throw dsnkError('ERR_DSNK_OUT_OF_MEMORY', low.node.where, `axes behind a crop must have at most ${MAX_COMPUTED} elements`, `${count}`);
  }
  return Constant.of(dtype, [count], new Array<number>(count).fill(value));
}

function lower(low: Lowering): void {
  const { node } = low;
  const how: Interpolation = {
    mode: node.string('mode', 'nearest') as Interpolation['mode'],
    nearest: node.string('nearest_mode', 'round_prefer_floor') as NearestMode,
    cubicA: node.float('cubic_coeff_a', -0.75),
    excludeOutside: node.int('exclude_outside', 0) === 1,
    antialias: node.int('antialias', 0) === 1,
  };
  const output = low.outDims();
  if (elementCount(output) === 0) {
    low.out();
    return;
  }
  const tables = axisTables(low, how);
  const passes = passesOf(tables);
  if (passes.length === 0) {
    low.alias(0, low.in(0));
    return;
  }
  const shape = [...low.dims(0)];
  let x = low.in(0);
  passes.forEach((pass, i) => {
    const from = [...shape];
    for (const axis of [pass.h, pass.w]) if (axis !== undefined) shape[axis] = output[axis] as number;
    const y = i === passes.length - 1 ? low.out() : low.temp(byteSize(node.input(0).type, elementCount(shape)), `axis${pass.h}`);
    emitPass(low, how, pass, tables, from, x, y);
    x = y;
  });
}

export const resizeOperators: readonly Operator[] = [{ name: 'Resize', domain: '', since: 10, infer, lower }];
