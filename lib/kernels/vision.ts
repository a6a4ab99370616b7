import { kernelEnum, kernelParams } from './params.js';

export const sampling = kernelEnum('Sampling', ['nearest', 'linear', 'cubic']);
export const samplePadding = kernelEnum('SamplePadding', ['zeros', 'border', 'reflection']);

/**
 * y[n, c, …out] = x at the positions of grid[n, …out, rank], in parts of the image from -1 to 1, last axis first.
 * Operands y, x, grid. `dims` holds depth, height, width of x, with ones in front; `positions` counts the outputs of one image.
 */
export const gridSampleParams = kernelParams('GridSampleParams', {
  batches: 'i64',
  channels: 'i64',
  dims: 'i64[3]',
  positions: 'i64',
  rank: 'i32',
  sampling: 'i32',
  padding: 'i32',
  alignCorners: 'i32',
});

/** y[n, …dims, rank] = theta[n, rank, rank+1] · (position, 1). Operands y, theta. */
export const affineGridParams = kernelParams('AffineGridParams', { batches: 'i64', dims: 'i64[3]', rank: 'i32', alignCorners: 'i32' });

/** y[r, c, outH, outW] from x[batches, channels, height, width]. Operands y, x, rois f32 [r, 4], batch i64 [r]. */
export const roiAlignParams = kernelParams('RoiAlignParams', {
  rois: 'i64',
  batches: 'i64',
  channels: 'i64',
  height: 'i64',
  width: 'i64',
  outH: 'i64',
  outW: 'i64',
  samplingRatio: 'i32',
  max: 'i32',
  halfPixel: 'i32',
  spatialScale: 'f32',
});

/** y[planes, …image] = the blocks of x[planes, …block, …blocks], summed where they overlap. Operands y, x. Unused axes are 1. */
export const col2imParams = kernelParams('Col2imParams', {
  planes: 'i64',
  image: 'i64[4]',
  block: 'i64[4]',
  blocks: 'i64[4]',
  strides: 'i64[4]',
  pads: 'i64[4]',
  dilations: 'i64[4]',
});

/**
 * y = 0 but for y[index[i]] = x[i]. Operands y, x, index i64 [elements]. Indices count through planes of `from`; y has
 * planes of `to`, at least as large along every axis. Unused axes are 1.
 */
export const maxUnpoolParams = kernelParams('MaxUnpoolParams', { elements: 'i64', planes: 'i64', from: 'i64[3]', to: 'i64[3]' });

/**
 * Deformable convolution: y[n, m, oh, ow] = bias[m] + Σ w[m, c, kh, kw] · mask · x[n, c, at offset]. Operands y, x, w,
 * offset [n, offsetGroups·kh·kw·2, oh, ow], bias?, mask? [n, offsetGroups·kh·kw, oh, ow].
 */
export const deformConvParams = kernelParams('DeformConvParams', {
  batches: 'i64',
  channels: 'i64',
  height: 'i64',
  width: 'i64',
  outC: 'i64',
  outH: 'i64',
  outW: 'i64',
  kernelH: 'i64',
  kernelW: 'i64',
  groups: 'i64',
  offsetGroups: 'i64',
  strides: 'i64[2]',
  pads: 'i64[2]',
  dilations: 'i64[2]',
});
