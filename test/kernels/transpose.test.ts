import { describe, expect, it } from 'vitest';
import { cases, type StridedCase, stridedCase } from '../../bench/cases/transpose.js';
import { stridedCopyParams } from '../../lib/kernels/strided.js';
import { callKernel, rowsOf } from './harness.js';

function randomBytes(length: number): Uint8Array {
  let a = 12345;
  return Uint8Array.from({ length }, () => ((a = (Math.imul(a, 1103515245) + 12345) >>> 0) >>> 16) & 255);
}

/** The definition, element by element. */
function reference({ params, outputBytes }: StridedCase, x: Uint8Array): Uint8Array {
  const { elementBytes, dims, strides, offset } = params;
  const y = new Uint8Array(outputBytes);
  for (let o = 0; o * elementBytes < outputBytes; o++) {
    let rest = o;
    let at = offset;
    for (let d = dims.length - 1; d >= 0; d--) {
      const n = dims[d] as number;
      at += (rest % n) * (strides[d] as number);
      rest = Math.floor(rest / n);
    }
    for (let b = 0; b < elementBytes; b++) y[o * elementBytes + b] = x[at * elementBytes + b] as number;
  }
  return y;
}

describe.each(rowsOf('strided_copy', 'any'))('$name', (row) => {
  // The largest are for the bench: their definition in JavaScript would take longer than all the others.
  it.each(cases.filter((c) => c.outputBytes <= 1 << 20))('$name', (c) => {
    const x = randomBytes(c.inputBytes);
    const want = reference(c, x);
    for (const threads of c.bench ? [2] : [1, 2, 3]) {
      const y = new Uint8Array(c.outputBytes + 5);
      callKernel(row, stridedCopyParams, c.params, [y], [x], { threads });
      expect(Buffer.compare(y.subarray(0, c.outputBytes), want)).toBe(0);
      expect([...y.subarray(c.outputBytes)]).toEqual([0, 0, 0, 0, 0]); // nothing past the end
    }
  });

  it('refuses views that leave their memory', () => {
    const good = stridedCase('', 4, [3, 5], [5, -1], 4);
    const call = (change: Partial<StridedCase['params']>, bytes: { y?: number; x?: number } = {}) => {
      const [y, x] = [new Uint8Array(bytes.y ?? good.outputBytes), new Uint8Array(bytes.x ?? good.inputBytes)];
      return () => callKernel(row, stridedCopyParams, { ...good.params, ...change }, [y], [x]);
    };
    expect(call({})).not.toThrow();
    expect(call({ rank: 0 })).toThrow(/rank must be/);
    expect(call({ rank: 13 })).toThrow(/rank must be/);
    expect(call({ elementBytes: 3 })).toThrow(/elements must have/);
    expect(call({ offset: -1 })).toThrow(/offset must not be negative/);
    expect(call({ offset: 3 })).toThrow(/every element of the view/);
    expect(call({ offset: 5 })).toThrow(/every element of the view/);
    expect(call({ dims: [3, 6] })).toThrow(/output must hold/);
    expect(call({ dims: [-3, -5] })).toThrow(/output must hold/);
    expect(call({ dims: [2 ** 40, 2 ** 40] })).toThrow(/output must hold/);
    expect(call({ strides: [2 ** 52, 2 ** 52] })).toThrow(/every element of the view/);
    expect(call({ strides: [5, -2] })).toThrow(/every element of the view/);
    expect(call({ strides: [-5, -1] })).toThrow(/every element of the view/);
    expect(call({}, { x: 59 })).toThrow(/every element of the view/);
    expect(call({}, { y: 59 })).toThrow(/output must hold/);
  });
});
