import { kernelParams } from './params.js';

/**
 * A depthwise convolution with the 1x1 convolutions around it, band of rows by band of rows; either of the two may be missing.
 * Operands: y [N,OH,OW,M] (pixels `ldc` apart), x [N,H,W,C], expanding weights (packed)?, their bias? [hidden],
 * depthwise weights [kH·kW,hidden], their bias? [hidden], projecting weights (packed)?, their bias? [M], residual? [N,OH,OW,M].
 */
export const invertedResidualParams = kernelParams('InvertedResidualParams', {
  batch: 'i32',
  channels: 'i32',
  /** Channels of the depthwise convolution: those of x where nothing expands, those of y where nothing projects. */
  hidden: 'i32',
  outChannels: 'i32',
  inSize: 'i32[2]',
  outSize: 'i32[2]',
  kernel: 'i32[2]',
  strides: 'i32[2]',
  pads: 'i32[2]',
  /** Whether there is a 1x1 convolution before, and one after. */
  expand: 'i32',
  project: 'i32',
  /** Most output rows of a band. */
  bandRows: 'i32',
  /** Elements between two output pixels: outChannels, or more where the output is a slice of a wider tensor. */
  ldc: 'i32',
  expandActivation: 'i32',
  expandAlpha: 'f32',
  expandBeta: 'f32',
  depthwiseActivation: 'i32',
  depthwiseAlpha: 'f32',
  depthwiseBeta: 'f32',
  projectActivation: 'i32',
  projectAlpha: 'f32',
  projectBeta: 'f32',
});
