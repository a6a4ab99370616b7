import { kernelParams } from './params.js';

/**
 * Index of the largest (or smallest) element along n of [outer, n, inner]; the first of equals, or the last. NaN counts as
 * the extreme. Operands: y (int64 [outer, inner]), x.
 */
export const argReduceParams = kernelParams('ArgReduceParams', { smallest: 'i32', last: 'i32', outer: 'i64', n: 'i64', inner: 'i64' });

/**
 * The k largest (or smallest) elements along n of [outer, n, inner], best first, of equals the one with the lower index
 * first. NaN counts as the largest number. Operands: values, indices (int64), x.
 */
export const topkParams = kernelParams('TopkParams', { smallest: 'i32', spare: 'i32', outer: 'i64', n: 'i64', inner: 'i64', k: 'i64' });
