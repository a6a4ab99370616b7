import { kernelEnum, kernelParams } from './params.js';

export const padMode = kernelEnum('PadMode', [
  'constant',
  'reflect', // mirrored at the first and last element, which are not repeated
  'edge', // the nearest element
  'wrap', // periodically
]);

/**
 * y is the view (offset, dims, strides) of x with `before` and `after` elements added along each dimension. Operands: y,
 * x, value (one element, for constant; left out = zero).
 */
export const padParams = kernelParams('PadParams', {
  elementBytes: 'i32',
  mode: 'i32',
  rank: 'i32',
  /** Whether the operand `value` is there. */
  hasValue: 'i32',
  offset: 'i64',
  dims: 'i64[8]',
  strides: 'i64[8]',
  before: 'i64[8]',
  after: 'i64[8]',
});
