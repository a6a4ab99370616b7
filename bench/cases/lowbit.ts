/** Products with weights of few bits: small ones around every edge for the tests, the shapes of transformers for the bench. */
import type { LowBits } from '../../lib/kernels/lowbit.js';

export interface LowBitCase {
  readonly name: string;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly bits: LowBits;
  /** Elements that share a scale; packed groups are this or 256. */
  readonly block: number;
  readonly zeros?: 'packed' | 'floats';
  readonly bias?: boolean;
  /** Elements beyond n in a row of y. */
  readonly gap?: number;
}

const each = (bits: LowBits): readonly LowBitCase[] => [
  { name: 'one row', m: 1, n: 67, k: 96, bits, block: 32 },
  { name: 'two rows, zero points', m: 2, n: 130, k: 64, bits, block: 16, zeros: 'packed', bias: true },
  { name: 'three rows, floats as zero points', m: 3, n: 33, k: 80, bits, block: 32, zeros: 'floats', gap: 3 },
  { name: 'every number of rows, a short last group', m: 19, n: 32, k: 131, bits, block: 64, bias: true },
  { name: 'one scale a column', m: 7, n: 17, k: 300, bits, block: 300, zeros: 'packed' },
  { name: 'a large block', m: 6, n: 40, k: 1024, bits, block: 512 },
  { name: 'many rows, blocks of k', m: 45, n: 70, k: 530, bits, block: 32, zeros: 'packed', bias: true, gap: 2 },
  { name: 'one column', m: 13, n: 1, k: 16, bits, block: 16 },
  { name: 'four panels of one row', m: 1, n: 140, k: 257, bits, block: 128, zeros: 'packed' },
];

export const lowBitCases: readonly LowBitCase[] = [
  ...([8, 4, 3, 2] as const).flatMap(each),
  { name: 'no rows', m: 0, n: 8, k: 32, bits: 4, block: 32 },
  { name: 'no columns', m: 3, n: 0, k: 32, bits: 4, block: 32 },
];
