/** GridSample, AffineGrid, RoiAlign, Col2Im, MaxUnpool, DeformConv. */

import type { Lowering } from '../compile/lowering.js';
import { type Dim, elementCount, isConcrete, mulDim } from '../graph/dim.js';
import type { Node } from '../graph/graph.js';
import {
  affineGridParams,
  col2imParams,
  deformConvParams,
  gridSampleParams,
  maxUnpoolParams,
  roiAlignParams,
  samplePadding,
  sampling,
} from '../kernels/vision.js';
import type { Inference, Operator, OutputType } from './operator.js';

/** Values at the end of a list of `length`, `fill` in front. */
function last<T>(values: readonly T[], length: number, fill: T): T[] {
  return [...new Array<T>(length - values.length).fill(fill), ...values];
}

function flag(node: Node, attr: string): number {
  return node.int(attr, 0) === 0 ? 0 : 1;
}

// GridSample

const samplings = { nearest: 'nearest', linear: 'linear', bilinear: 'linear', cubic: 'cubic', bicubic: 'cubic' } as const;

function inferGridSample(q: Inference): OutputType[] {
  const x = q.shape(0);
  const grid = q.shape(1);
  const mode = q.node.string('mode', 'linear');
  if (!Object.hasOwn(samplings, mode)) q.fail('mode must be nearest, linear or cubic', `${mode} came`);
  const padding = q.node.string('padding_mode', 'zeros');
  if (!(samplePadding.members as readonly string[]).includes(padding)) q.fail(`padding_mode must be ${samplePadding.members.join(', ')}`, `${padding} came`);
  const rank = x.length - 2;
  if (rank < 1 || rank > 3) q.fail('input must have one to three image axes', q.inputTexts());
  const parts = grid[grid.length - 1];
  if (grid.length !== x.length || (typeof parts === 'number' && parts !== rank)) q.fail(`grid must be [batch, …positions, ${rank}]`, q.inputTexts());
  return [{ dtype: q.dtype(0), shape: [x[0] as Dim, x[1] as Dim, ...grid.slice(1, -1)] }];
}

function lowerGridSample(low: Lowering): void {
  const { node } = low;
  const [batches, channels, ...dims] = low.dims(0) as [number, number, ...number[]];
  low.emit(
    low.select('grid_sample', low.dtype(0)),
    gridSampleParams,
    {
      batches,
      channels,
      dims: last(dims, 3, 1),
      positions: elementCount(low.dims(1).slice(1, -1)),
      rank: dims.length,
      sampling: sampling.value(samplings[node.string('mode', 'linear') as keyof typeof samplings]),
      padding: samplePadding.value(node.string('padding_mode', 'zeros') as (typeof samplePadding.members)[number]),
      alignCorners: flag(node, 'align_corners'),
    },
    [low.out()],
    [low.in(0), low.in(1)],
  );
}

// AffineGrid

function inferAffineGrid(q: Inference): OutputType[] {
  const size = q.dims(1);
  if (size.length !== 4 && size.length !== 5) q.fail('size must be [N, C, H, W] or [N, C, D, H, W]', `${size.length} numbers came`);
  return [{ dtype: q.dtype(0), shape: [size[0] as Dim, ...size.slice(2), size.length - 2] }];
}

function lowerAffineGrid(low: Lowering): void {
  const [batches, ...rest] = low.outDims() as [number, ...number[]];
  const dims = rest.slice(0, -1);
  low.emit(
    low.select('affine_grid', low.dtype(0)),
    affineGridParams,
    { batches, dims: last(dims, 3, 1), rank: dims.length, alignCorners: flag(low.node, 'align_corners') },
    [low.out()],
    [low.in(0)],
  );
}

// RoiAlign

function inferRoiAlign(q: Inference): OutputType[] {
  const x = q.shape(0);
  const rois = q.shape(1);
  if (x.length !== 4 || rois.length !== 2) q.fail('input must be [N, C, H, W] and rois [count, 4]', q.inputTexts());
  const mode = q.node.string('mode', 'avg');
  if (mode !== 'avg' && mode !== 'max') q.fail('mode must be avg or max', `${mode} came`);
  return [{ dtype: q.dtype(0), shape: [rois[0] as Dim, x[1] as Dim, q.node.int('output_height', 1), q.node.int('output_width', 1)] }];
}

function lowerRoiAlign(low: Lowering): void {
  const { node } = low;
  const [batches, channels, height, width] = low.dims(0) as [number, number, number, number];
  const [rois, , outH, outW] = low.outDims() as [number, number, number, number];
  low.emit(
    low.select('roi_align', low.dtype(0)),
    roiAlignParams,
    {
      rois,
      batches,
      channels,
      height,
      width,
      outH,
      outW,
      samplingRatio: node.int('sampling_ratio', 0),
      max: node.string('mode', 'avg') === 'max' ? 1 : 0,
      halfPixel: node.string('coordinate_transformation_mode', 'half_pixel') === 'half_pixel' ? 1 : 0,
      spatialScale: node.float('spatial_scale', 1),
    },
    [low.out()],
    [low.in(0), low.in(1), low.in(2)],
  );
}

// Col2Im

/** Strides, pads and dilations, with their defaults. */
function windows(node: Node, rank: number) {
  const ones = new Array<number>(rank).fill(1);
  return {
    strides: node.ints('strides', ones),
    dilations: node.ints('dilations', ones),
    pads: node.ints('pads', new Array<number>(2 * rank).fill(0)),
  };
}

/** How many blocks fit along each axis. */
function blockCounts(node: Node, image: readonly number[], block: readonly number[]): number[] {
  const { strides, pads, dilations } = windows(node, image.length);
  const at = (list: readonly number[], i: number) => list[i] as number;
  return image.map((length, d) => {
    const reach = at(dilations, d) * (at(block, d) - 1) + 1;
    return Math.floor((length + at(pads, d) + at(pads, d + image.length) - reach) / at(strides, d)) + 1;
  });
}

function inferCol2Im(q: Inference): OutputType[] {
  const [batch, rows, columns] = q.shape(0) as [Dim, Dim, Dim];
  const image = q.numbers(1);
  const block = q.numbers(2);
  if (q.rank(0) !== 3 || image.length !== block.length || image.length < 1 || image.length > 4) {
    q.fail('input must be [N, C·block, blocks], image and block of one to four axes', q.inputTexts());
  }
  const size = elementCount(block);
  const blocks = elementCount(blockCounts(q.node, image, block));
  if (typeof rows === 'number' && rows % size !== 0) q.fail(`input must have a multiple of ${size} rows`, `${rows} came`);
  if (typeof columns === 'number' && columns !== blocks) q.fail(`input must have ${blocks} columns, one per block`, `${columns} came`);
  return [{ dtype: q.dtype(0), shape: [batch, typeof rows === 'number' ? rows / size : q.unknownDim(), ...image] }];
}

function lowerCol2Im(low: Lowering): void {
  const image = low.numbers(1);
  const block = low.numbers(2);
  const { strides, pads, dilations } = windows(low.node, image.length);
  const four = (list: readonly number[], fill: number) => last(list, 4, fill);
  low.emit(
    low.select('col2im', low.dtype(0)),
    col2imParams,
    {
      planes: elementCount(low.outDims().slice(0, 2)),
      image: four(image, 1),
      block: four(block, 1),
      blocks: four(blockCounts(low.node, image, block), 1),
      strides: four(strides, 1),
      pads: four(pads.slice(0, image.length), 0),
      dilations: four(dilations, 1),
    },
    [low.out()],
    [low.in(0)],
  );
}

// MaxUnpool

/** The shape that pooling came from, as far as its attributes tell. */
function unpooledShape(node: Node, shape: readonly number[]): number[] {
  const kernel = node.ints('kernel_shape');
  const { strides, pads } = windows(node, kernel.length);
  return shape.map((length, i) => {
    const d = i - 2;
    if (d < 0) return length;
    return (length - 1) * (strides[d] as number) + (kernel[d] as number) - (pads[d] as number) - (pads[d + kernel.length] as number);
  });
}

function inferMaxUnpool(q: Inference): OutputType[] {
  const shape = q.shape(0);
  if (shape.length < 3 || shape.length > 5) q.fail('input must have one to three image axes', q.inputTexts());
  if (!isConcrete(shape)) return [{ dtype: q.dtype(0), shape: q.has(2) ? q.dims(2) : undefined }];
  const from = unpooledShape(q.node, shape);
  const to = q.has(2) ? q.numbers(2) : from;
  if (to.length !== from.length || to.some((length, i) => (i < 2 ? length !== from[i] : length < (from[i] as number)))) {
    q.fail(`output_shape must be at least [${from.join(',')}]`, `[${to.join(',')}] came`);
  }
  return [{ dtype: q.dtype(0), shape: to }];
}

function lowerMaxUnpool(low: Lowering): void {
  const shape = low.dims(0);
  low.emit(
    low.select('max_unpool', low.dtype(0)),
    maxUnpoolParams,
    {
      elements: elementCount(shape),
      planes: elementCount(shape.slice(0, 2)),
      from: last(unpooledShape(low.node, shape).slice(2), 3, 1),
      to: last(low.outDims().slice(2), 3, 1),
    },
    [low.out()],
    [low.in(0), low.in(1)],
  );
}

// DeformConv

function inferDeformConv(q: Inference): OutputType[] {
  const x = q.shape(0);
  const w = q.shape(1);
  const offset = q.shape(2);
  if (x.length !== 4 || w.length !== 4 || offset.length !== 4) q.fail('input, weight and offset must have two image axes', q.inputTexts());
  const places = mulDim(w[2] as Dim, w[3] as Dim);
  const wanted = mulDim(mulDim(places, 2), q.node.int('offset_group', 1));
  if (typeof wanted === 'number' && typeof offset[1] === 'number' && offset[1] !== wanted) q.fail(`offset must have ${wanted} channels`, q.inputTexts());
  return [{ dtype: q.dtype(0), shape: [x[0] as Dim, w[0] as Dim, offset[2] as Dim, offset[3] as Dim] }];
}

function lowerDeformConv(low: Lowering): void {
  const { node } = low;
  const [batches, channels, height, width] = low.dims(0) as [number, number, number, number];
  const [outC, , kernelH, kernelW] = low.dims(1) as [number, number, number, number];
  const [, , outH, outW] = low.outDims() as [number, number, number, number];
  const { strides, pads, dilations } = windows(node, 2);
  low.emit(
    low.select('deform_conv', low.dtype(0)),
    deformConvParams,
    {
      batches,
      channels,
      height,
      width,
      outC,
      outH,
      outW,
      kernelH,
      kernelW,
      groups: node.int('group', 1),
      offsetGroups: node.int('offset_group', 1),
      strides,
      pads: pads.slice(0, 2),
      dilations,
    },
    [low.out()],
    [low.in(0), low.in(1), low.in(2), low.input(3), low.input(4)],
  );
}

export const visionOperators: readonly Operator[] = [
  { name: 'GridSample', domain: '', since: 16, infer: inferGridSample, lower: lowerGridSample },
  { name: 'AffineGrid', domain: '', since: 20, infer: inferAffineGrid, lower: lowerAffineGrid },
  { name: 'RoiAlign', domain: '', since: 10, infer: inferRoiAlign, lower: lowerRoiAlign },
  { name: 'Col2Im', domain: '', since: 18, infer: inferCol2Im, lower: lowerCol2Im },
  { name: 'MaxUnpool', domain: '', since: 9, infer: inferMaxUnpool, lower: lowerMaxUnpool },
  { name: 'DeformConv', domain: '', since: 19, infer: inferDeformConv, lower: lowerDeformConv },
];
