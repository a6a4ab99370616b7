import { epilogueFields } from './epilogue.js';
import { kernelParams } from './params.js';

/** Which window reads what, over three spatial dimensions. */
export const convolutionFields = {
  batch: 'i32',
  channels: 'i32',
  outChannels: 'i32',
  group: 'i32',
  inSize: 'i32[3]',
  outSize: 'i32[3]',
  kernel: 'i32[3]',
  strides: 'i32[3]',
  /** Zeros before the first element; what stands after the last one follows from outSize. */
  pads: 'i32[3]',
  dilations: 'i32[3]',
  /** Elements between two output pixels: outChannels, or more where the output is a slice of a wider tensor. */
  ldc: 'i32',
} as const;

/**
 * Channels-last convolution and transposed convolution over three spatial dimensions (leading ones 1 for lower ranks).
 * Operands: y [N,OD,OH,OW,M] (pixels `ldc` apart), x [N,D,H,W,C], packed weights, bias? [M], residual? [N,OD,OH,OW,M].
 */
export const convParams = kernelParams('ConvParams', {
  ...convolutionFields,
  ...epilogueFields,
});

/**
 * Weights into panels: see native/kernels/conv/pack.cc. Operands: packed, weights [M,C/g,taps], or [C,M/g,taps] where `transposed`.
 */
export const convPackParams = kernelParams('ConvPackParams', {
  group: 'i32',
  outPerGroup: 'i32',
  inPerGroup: 'i32',
  taps: 'i32',
  transposed: 'i32',
  /** Columns of the narrowest panel; panels are a multiple of it wide. */
  lanes: 'i32',
  /** Most multiples of `lanes` in one panel. */
  vectors: 'i32',
});

/**
 * Packed weights of one tap and one group times a number for every input channel.
 * Operands: scaled, packed weights, scale [depth]. The layout is that of the `conv` row of the same ISA.
 */
export const convScaleParams = kernelParams('ConvScaleParams', {
  depth: 'i32',
  columns: 'i32',
});
