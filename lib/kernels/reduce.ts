import { kernelEnum, kernelParams } from './params.js';

export const reduction = kernelEnum('Reduction', ['sum', 'mean', 'max', 'min', 'prod', 'l1', 'l2', 'logSum', 'logSumExp', 'sumSquare']);

export type ReductionName = (typeof reduction.members)[number];

/** Dimensions that the kernel takes, after neighbours of one kind were merged. */
export const MAX_REDUCE_RANK = 8;

/**
 * y[kept] = fold of x over the dimensions whose bit is set in `reduced`. Operands: y, x; both contiguous.
 * `rank` of the `dims` count, outermost first.
 */
export const reduceParams = kernelParams('ReduceParams', { kind: 'i32', rank: 'i32', reduced: 'u32', spare: 'u32', dims: 'i64[8]' });
