/** Calls of the histogram kernel: shared by its tests and the bench. */
import { histogramParams } from '../../lib/kernels/statistics.js';
import { floats } from './case.js';

export const histogramCases = [
  { name: 'nothing', count: 0, parts: 1, bins: 8, range: 1 },
  { name: 'one', count: 1, parts: 1, bins: 1, range: 1 },
  { name: 'more parts than elements', count: 3, parts: 7, bins: 16, range: 2 },
  { name: 'beyond the range', count: 1000, parts: 3, bins: 64, range: 0.25 },
  { name: 'no range', count: 100, parts: 2, bins: 64, range: 0 },
  { name: 'subnormal range', count: 100, parts: 1, bins: 64, range: 1e-42 },
  { name: 'as calibrated', count: 70_001, parts: 2, bins: 4096, range: 1 },
] as const;

export { floats, histogramParams };
