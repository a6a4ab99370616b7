import { kernelParams } from './params.js';

/**
 * Discrete Fourier transforms of frames of x[outer, length, inner, inParts]: frame f begins at f · step and holds `taken`
 * samples, times window[taken] where there is one, followed by zeroes up to n. Operands y[outer, frames, bins, inner, outParts],
 * x, window?. Parts are 1 (real) or 2 (real, imaginary). `mirrored`: x holds the first n/2+1 bins of a spectrum whose others
 * are their conjugates.
 */
export const dftParams = kernelParams('DftParams', {
  outer: 'i64',
  length: 'i64',
  inner: 'i64',
  frames: 'i64',
  step: 'i64',
  taken: 'i64',
  n: 'i64',
  bins: 'i64',
  inParts: 'i32',
  outParts: 'i32',
  inverse: 'i32',
  mirrored: 'i32',
});
