/** Cases of strided_copy: what the test compares on every row and the bench times. */
import { stridedCopyParams } from '../../lib/kernels/strided.js';

export interface StridedCase {
  readonly name: string;
  readonly op: 'strided_copy';
  readonly schema: typeof stridedCopyParams;
  readonly params: { elementBytes: number; rank: number; offset: number; dims: readonly number[]; strides: readonly number[] };
  readonly outputBytes: number;
  readonly inputBytes: number;
  /** Realistic and big: for the bench. */
  readonly bench: boolean;
}

/** The case of one view; the input is as small as the view allows. */
export function stridedCase(name: string, elementBytes: number, dims: readonly number[], strides: readonly number[], offset = 0, bench = false): StridedCase {
  const count = dims.reduce((a, b) => a * b, 1);
  const reach = count === 0 ? 0 : dims.reduce((a, n, d) => a + Math.max(0, (n - 1) * (strides[d] as number)), offset) + 1;
  return {
    name,
    op: 'strided_copy',
    schema: stridedCopyParams,
    params: { elementBytes, rank: dims.length, offset, dims, strides },
    outputBytes: count * elementBytes,
    inputBytes: reach * elementBytes,
    bench,
  };
}

const plane = (name: string, elementBytes: number, rows: number, columns: number, bench = false) =>
  stridedCase(`${name} ${rows}x${columns} of ${elementBytes} bytes`, elementBytes, [rows, columns], [1, rows], 0, bench);

const sides = [1, 3, 7, 8, 15, 16, 17, 33, 64, 65];

export const cases: readonly StridedCase[] = [
  ...[1, 2, 4, 8, 16].flatMap((bytes) => sides.flatMap((rows) => [3, 8, 16, 31, 66].map((columns) => plane('transpose', bytes, rows, columns)))),
  ...[1, 2, 4, 8, 16].flatMap((bytes) => [
    stridedCase(`batched transpose of ${bytes} bytes`, bytes, [3, 37, 20], [740, 1, 37]),
    stridedCase(`outer dimensions between the plane, ${bytes} bytes`, bytes, [19, 2, 5, 21], [1, 1995, 19, 95]),
    stridedCase(`rows with a gap, ${bytes} bytes`, bytes, [4, 5, 6], [70, 9, 1], 3),
    stridedCase(`short rows, ${bytes} bytes`, bytes, [40, 3], [5, 1], 1),
    stridedCase(`broadcast inside, ${bytes} bytes`, bytes, [5, 70], [2, 0], 1),
    stridedCase(`broadcast outside, ${bytes} bytes`, bytes, [7, 33], [0, 1]),
    stridedCase(`reversed, ${bytes} bytes`, bytes, [3, 40], [-40, -1], 119),
    stridedCase(`every third, ${bytes} bytes`, bytes, [6, 11], [50, 3], 2),
    stridedCase(`reversed plane, ${bytes} bytes`, bytes, [17, 18], [1, -17], 17 * 17),
    stridedCase(`one element, ${bytes} bytes`, bytes, [1], [1], 2),
    stridedCase(`none, ${bytes} bytes`, bytes, [3, 0, 2], [5, -7, 1]),
    stridedCase(`a long row, ${bytes} bytes`, bytes, [70_001], [1], 5),
    stridedCase(`a long reversed row, ${bytes} bytes`, bytes, [70_001], [-1], 70_000),
  ]),
  ...[1, 4].flatMap((bytes) =>
    [1, 7, 8, 16, 50, 2100].flatMap((pixels) => [
      plane('channels joined', bytes, pixels, 3),
      plane('channels split', bytes, 3, pixels),
      stridedCase(`channels joined with a gap, ${pixels} pixels of ${bytes} bytes`, bytes, [2, pixels, 3], [3 * pixels + 2, 1, pixels]),
    ]),
  ),
  ...[1, 7, 8, 9, 16, 29, 58, 2100].flatMap((pairs) => [
    plane('pairs joined', 4, pairs, 2),
    plane('pairs split', 4, 2, pairs),
    stridedCase(`pairs joined row by row, ${pairs}`, 4, [3, pairs, 2], [2 * pairs + 1, 1, pairs]),
    stridedCase(`pairs split row by row, ${pairs}`, 4, [3, 2, pairs], [2 * pairs, 1, 2]),
  ]),
  stridedCase('channel shuffle, 28x28 of 2x58', 4, [784, 58, 2], [116, 1, 58], 0, true),
  stridedCase('twelve dimensions', 4, new Array(12).fill(2), [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]),
  plane('NCHW to NHWC, 64x56x56:', 4, 3136, 64, true),
  plane('NHWC to NCHW, 64x56x56:', 4, 64, 3136, true),
  plane('NCHW to NHWC, 3x224x224:', 4, 50_176, 3, true),
  plane('NHWC to NCHW, 3x224x224:', 4, 3, 50_176, true),
  plane('NHWC to NCHW, 3x224x224:', 1, 3, 50_176, true),
  plane('NCHW to NHWC, 3x224x224:', 1, 50_176, 3, true),
  plane('matrix', 4, 1024, 1024, true),
  plane('matrix', 1, 1024, 1024, true),
  plane('matrix', 2, 1024, 1024, true),
  plane('matrix', 8, 1024, 1024, true),
  stridedCase('a row copied whole, 4 MB', 4, [1024, 1024], [1025, 1], 0, true),
  stridedCase('heads apart, 128x12x64', 4, [12, 128, 64], [64, 768, 1], 0, true),
];
