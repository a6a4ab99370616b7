import { kernelEnum, kernelParams } from './params.js';

export const poolKind = kernelEnum('PoolKind', [
  'max', // of the taps inside the input
  'average', // sum / number of taps inside the input
  'averagePadded', // sum / number of taps inside the input or its padding
  'lp', // (Σ|x|^p)^(1/p)
]);

/** Which window reads what, over three spatial dimensions; pixels of the output are `ldc` elements apart. */
const poolFields = {
  inSize: 'i32[3]',
  outSize: 'i32[3]',
  kernel: 'i32[3]',
  strides: 'i32[3]',
  padsBegin: 'i32[3]',
  padsEnd: 'i32[3]',
  dilations: 'i32[3]',
  ldc: 'i32',
} as const;

/**
 * Channels-last pooling over three spatial dimensions (leading ones 1 for lower ranks).
 * Operands: y [N,OD,OH,OW,C] (pixels `ldc` apart), x [N,D,H,W,C].
 */
export const poolParams = kernelParams('PoolParams', {
  kind: 'i32',
  batch: 'i32',
  channels: 'i32',
  p: 'i32',
  ...poolFields,
});

/**
 * Max pooling that also returns where each maximum stood: an index into x as if it were [N,C,D,H,W].
 * Operands: y [N,OD,OH,OW,C], indices (int64, same shape), x [N,D,H,W,C].
 */
export const poolIndicesParams = kernelParams('PoolIndicesParams', {
  batch: 'i32',
  channels: 'i32',
  /** 1: within one channel the index runs over the first spatial dimension fastest (ONNX storage_order). */
  columnMajor: 'i32',
  inSize: 'i32[3]',
  outSize: 'i32[3]',
  kernel: 'i32[3]',
  strides: 'i32[3]',
  padsBegin: 'i32[3]',
  dilations: 'i32[3]',
});

/**
 * Average pooling of quantized tensors. `ratio` is the scale of x divided by that of y. Operands: y u8 [N,OD,OH,OW,C] (pixels
 * `ldc` apart), x u8 [N,D,H,W,C].
 */
export const bytePoolParams = kernelParams('BytePoolParams', {
  batch: 'i32',
  channels: 'i32',
  /** 1: padding counts. */
  padded: 'i32',
  ...poolFields,
  xZero: 'i32',
  zero: 'i32',
  low: 'i32',
  high: 'i32',
  ratio: 'f32',
});
