import { kernelParams } from './params.js';

/**
 * How the elements of a tensor are distributed. Operands counts u32 [parts, bins + 1], extremes f32 [parts, 3], x f32 [count],
 * ranges f32, of which element `index` is the range r. Bins divide [-r, r] evenly; what lies outside counts in the outermost
 * ones, and exact zeros only in the last, bin `bins`. Extremes are the least and the largest finite element (∞ and -∞ where
 * there is none) and the number of NaN and infinities, which count in no bin. Part i is the i-th of `parts` nearly equal
 * pieces of x: integers add up the same in any order, and each part is written by one tile.
 */
export const histogramParams = kernelParams('HistogramParams', { count: 'i64', parts: 'i64', bins: 'i32', index: 'i32' });
