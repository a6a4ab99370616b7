import { epilogueFields } from './epilogue.js';
import { kernelParams } from './params.js';

/** Which window reads what; pixels of the output are `ldc` elements apart. */
export const depthwiseFields = {
  batch: 'i32',
  channels: 'i32',
  inSize: 'i32[2]',
  outSize: 'i32[2]',
  kernel: 'i32[2]',
  strides: 'i32[2]',
  pads: 'i32[2]',
  dilations: 'i32[2]',
  ldc: 'i32',
} as const;

/**
 * Channels-last depthwise convolution, one filter a channel.
 * Operands: y [N,OH,OW,C] (pixels `ldc` apart), x [N,H,W,C], weights [kH·kW,C], bias? [C], residual? [N,OH,OW,C].
 */
export const depthwiseParams = kernelParams('DepthwiseParams', {
  ...depthwiseFields,
  ...epilogueFields,
});
