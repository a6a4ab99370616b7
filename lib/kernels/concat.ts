import { kernelParams } from './params.js';

/**
 * Each of `outer` rows of y, of `rowBytes` and `stride` bytes apart, is a row of every input, one after the other. The tail holds the bytes of a
 * row of each input, as two words. Operands: y, x0, x1, ….
 */
export const concatParams = kernelParams('ConcatParams', { outer: 'i64', rowBytes: 'i64', stride: 'i64' }, { tail: true });

/** The tail: row bytes of every input. */
export function concatTail(rowBytes: readonly number[]): number[] {
  return rowBytes.flatMap((n) => [n % 2 ** 32, Math.floor(n / 2 ** 32)]);
}
