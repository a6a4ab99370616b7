/** Cases of concat: shapes of the inputs before and behind the axis. */
export interface ConcatCase {
  readonly name: string;
  readonly op: 'concat';
  readonly outer: number;
  readonly rowBytes: readonly number[];
  readonly bench: boolean;
}

const concatCase = (name: string, outer: number, rowBytes: readonly number[], bench = false): ConcatCase => ({ name, op: 'concat', outer, rowBytes, bench });

export const cases: readonly ConcatCase[] = [
  concatCase('one input', 3, [7]),
  concatCase('bytes apart', 100, [1, 2, 1]),
  concatCase('rows of words', 33, [4, 8, 4]),
  concatCase('an empty input between', 5, [16, 0, 3]),
  concatCase('one long row', 1, [300_001, 5, 200_000]),
  concatCase('rows longer than a tile', 3, [200_003, 150_001]),
  concatCase('no rows', 0, [8, 8]),
  concatCase('empty rows', 4, [0, 0]),
  concatCase('channel blocks, NCHW 2x(64+32+32)x28x28', 2, [64 * 784 * 4, 32 * 784 * 4, 32 * 784 * 4], true),
  concatCase('channel blocks, NHWC 56x56x(64+32)', 3136, [256, 128], true),
];
