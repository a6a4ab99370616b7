import { roundHalfEven } from '../dtype.js';
import { kernelEnum, kernelParams } from './params.js';

export const softmaxKind = kernelEnum('SoftmaxKind', ['softmax', 'logSoftmax', 'hardmax']);

/** Along the middle of [outer, n, inner]. Operands: y, x. */
export const softmaxParams = kernelParams('SoftmaxParams', { kind: 'i32', spare: 'i32', outer: 'i64', n: 'i64', inner: 'i64' });

/**
 * Softmax of quantized tensors along the rows of [rows, n]. `ratio` is one by the scale of y. Operands: y u8, x u8,
 * the curve int32 [256]: 2^23·e^-(scale·d) of how far x lies below its largest.
 */
export const byteSoftmaxParams = kernelParams('ByteSoftmaxParams', { ratio: 'f32', zero: 'i32', rows: 'i64', n: 'i64' });

/** That curve: the same numbers on every machine, as JavaScript's exponential is a program and not an instruction. */
export const softmaxCurve = (scale: number): number[] => Array.from({ length: 256 }, (_, d) => roundHalfEven(2 ** 23 * Math.exp(-scale * d)));
