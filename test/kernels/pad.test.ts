import { describe, expect, it } from 'vitest';
import { padMode, padParams } from '../../lib/kernels/pad.js';
import { callKernel, mulberry32, rowsOf } from './harness.js';

interface PadCase {
  readonly dims: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
}

const cases: readonly PadCase[] = [
  { dims: [5], before: [2], after: [3] },
  { dims: [1], before: [3], after: [4] },
  { dims: [3], before: [11], after: [17] }, // longer than the tensor: mirrored and repeated several times
  { dims: [4, 6], before: [0, 0], after: [0, 0] },
  { dims: [4, 6], before: [1, 0], after: [0, 2] },
  { dims: [2, 3, 5], before: [1, 2, 3], after: [2, 1, 0] },
  { dims: [30, 40, 20], before: [1, 1, 0], after: [1, 1, 0] },
  { dims: [2, 1, 2, 1, 3], before: [0, 1, 0, 2, 1], after: [1, 0, 1, 0, 1] },
];
const stridesOf = (dims: readonly number[]) => dims.map((_, d) => dims.slice(d + 1).reduce((a, b) => a * b, 1));

/** Where position i of a padded axis comes from, by walking there step by step; undefined outside of a constant. */
function source(i: number, n: number, mode: string): number | undefined {
  if (i >= 0 && i < n) return i;
  if (mode === 'constant') return undefined;
  if (mode === 'edge') return i < 0 ? 0 : n - 1;
  let at = i < 0 ? 0 : n - 1;
  let step = i < 0 ? -1 : 1;
  for (let left = i < 0 ? -i : i - (n - 1); left > 0; left--) {
    if (mode === 'wrap') at = (at + step + n) % n;
    else if (n > 1) {
      if (at + step < 0 || at + step >= n) step = -step;
      at += step;
    }
  }
  return at;
}

describe.each(rowsOf('pad', 'any'))('$name', (row) => {
  it.each(padMode.members.flatMap((mode) => cases.map((c) => ({ ...c, mode }))))('$mode: $dims with $before and $after', ({ dims, before, after, mode }) => {
    const padded = dims.map((n, d) => n + (before[d] as number) + (after[d] as number));
    const count = padded.reduce((a, b) => a * b, 1);
    const next = mulberry32(7);
    for (const elementBytes of [1, 2, 4, 8, 16]) {
      // A view with a gap after each row and a start inside, and the dense one.
      for (const gap of [0, 3]) {
        const strides = stridesOf(dims).map((s, d) => (d < dims.length - 1 ? (s / (dims.at(-1) as number)) * ((dims.at(-1) as number) + gap) : s));
        const reach = dims.reduce((at, n, d) => at + (n - 1) * (strides[d] as number), gap) + 1;
        const x = Uint8Array.from({ length: reach * elementBytes }, () => next() * 256);
        const value = Uint8Array.from({ length: elementBytes }, () => next() * 256);
        const want = new Uint8Array(count * elementBytes);
        const ys = stridesOf(padded);
        for (let k = 0; k < count; k++) {
          let at: number | undefined = gap;
          for (let d = 0; d < dims.length; d++) {
            const i = source((Math.floor(k / (ys[d] as number)) % (padded[d] as number)) - (before[d] as number), dims[d] as number, mode);
            at = at === undefined || i === undefined ? undefined : at + i * (strides[d] as number);
          }
          want.set(at === undefined ? value : x.subarray(at * elementBytes, (at + 1) * elementBytes), k * elementBytes);
        }
        const params = { elementBytes, mode: padMode.value(mode), rank: dims.length, hasValue: 1, offset: gap, dims, strides, before, after };
        for (const threads of [1, 3]) {
          const y = new Uint8Array(want.length);
          callKernel(row, padParams, params, [y], [x, value], { threads });
          expect(Buffer.compare(y, want)).toBe(0);
        }
      }
    }
  });

  it('pads with zero where there is no value, and pads nothing', () => {
    const params = { elementBytes: 4, mode: 0, rank: 1, hasValue: 0, offset: 0, dims: [0], strides: [1], before: [2], after: [1] };
    const y = new Float32Array(3).fill(5);
    callKernel(row, padParams, params, [y], [new Float32Array(0), undefined]);
    expect([...y]).toEqual([0, 0, 0]);
  });

  it('refuses parameters that leave the operands', () => {
    const good = { elementBytes: 4, mode: 1, rank: 2, hasValue: 0, offset: 0, dims: [2, 3], strides: [3, 1], before: [1, 0], after: [0, 1] };
    const call = (change: object) => () => callKernel(row, padParams, { ...good, ...change }, [new Float32Array(12)], [new Float32Array(6), new Uint8Array(2)]);
    expect(call({})).not.toThrow();
    expect(call({ rank: 0 })).toThrow(/rank/);
    expect(call({ rank: 9 })).toThrow(/rank/);
    expect(call({ elementBytes: 5 })).toThrow(/elements must have/);
    expect(call({ mode: 4 })).toThrow(/mode/);
    expect(call({ mode: -1 })).toThrow(/mode/);
    expect(call({ offset: 1 })).toThrow(/input must hold/);
    expect(call({ offset: -1 })).toThrow(/offset/);
    expect(call({ strides: [4, 1] })).toThrow(/input must hold/);
    expect(call({ before: [2, 0] })).toThrow(/output must hold/);
    expect(call({ before: [-1, 0] })).toThrow(/must not be negative/);
    expect(call({ before: [2 ** 52, 2 ** 52] })).toThrow(/output must hold/);
    expect(call({ dims: [0, 3] })).toThrow(/no elements to repeat/);
    expect(call({ mode: 0, dims: [0, 3], offset: 2 ** 52 })).toThrow(/input must hold/);
    expect(call({ hasValue: 1 })).toThrow(/value must be one element/);
  });
});
