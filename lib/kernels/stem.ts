import { epilogueFields } from './epilogue.js';
import { kernelParams } from './params.js';

/**
 * Convolution of an image with few channels, channels first or last, into channels last.
 * Operands: y [N,OH,OW,M] (pixels `ldc` apart), x [N,C,H,W] or [N,H,W,C], packed weights, bias? [M].
 */
export const stemParams = kernelParams('StemParams', {
  batch: 'i32',
  channels: 'i32',
  outChannels: 'i32',
  /** 1: x is [N,H,W,C], and k of the packed weights runs over (kh, kw, c); 0: [N,C,H,W] and (c, kh, kw). */
  channelsLast: 'i32',
  inSize: 'i32[2]',
  outSize: 'i32[2]',
  kernel: 'i32[2]',
  strides: 'i32[2]',
  /** Zeros before the first element; what stands after the last one follows from outSize. */
  pads: 'i32[2]',
  ldc: 'i32',
  ...epilogueFields,
});

/** What the kernel takes. */
export const STEM_LIMITS = {
  channels: 4,
  /** Elements of an input row from one output pixel to the next: strideW, or strideW·C where channels are last. */
  steps: [1, 2, 3, 6],
  /** Input rows that a window touches (kH, or C·kH), and elements of each (kW·C, or kW). */
  rows: 64,
  run: 64,
} as const;
