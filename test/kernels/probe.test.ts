import { describe, expect, it } from 'vitest';
import { isGpuRow } from '../../lib/compile/catalogue.js';
import { PROBE_FMA_PER_ITERATION, probeFmaFlops, probeFmaParams, probeReadParams } from '../../lib/kernels/probe.js';
import { callKernel, randomFloats, rowsOf } from './harness.js';

describe.each(rowsOf('probe_fma', 'f32').filter(isGpuRow))('$name', (row) => {
  it('runs every chain of every thread as often as it says', () => {
    const y = new Float32Array(16 * 3);
    callKernel(row, probeFmaParams, { iterations: 5, tiles: 3 }, [y], []);
    for (let i = 0; i < y.length; i++) {
      const x = 1 / ((i % 16) + 2);
      let sum = 0;
      for (let n = 0; n < 5; n++) sum = sum * x + x;
      expect(y[i]).toBeCloseTo(8 * sum, 4);
    }
  });
});

// A step is a product of 16x8 results over k 16 of 0.001² + 0.002² a pair, or over k 32 of ones.
it.each([...rowsOf('probe_fma', 'f32f16'), ...rowsOf('probe_fma', 'u8s8')].filter(isGpuRow))('$name multiplies tiles as often as it says', (row) => {
  const y = new Float32Array(16 * 2);
  callKernel(row, probeFmaParams, { iterations: 5, tiles: 2 }, [y], []);
  const step = row.dtypes === 'u8s8' ? 32 : 8 * 5e-6;
  for (const v of y) expect(Math.abs(v / (8 * 5 * step) - 1)).toBeLessThan(2e-3); // 0.001 and 0.002 are rounded to halves
});

describe.each(rowsOf('probe_fma', 'f32').filter((row) => !isGpuRow(row)))('$name', (row) => {
  it('runs every chain as often as it says', () => {
    // lanes of chain i start at i and go x → x·a + b
    const iterations = 7;
    let sum = 0;
    for (let i = 0; i < PROBE_FMA_PER_ITERATION; i++) {
      let x = i;
      for (let n = 0; n < iterations; n++) x = x * 0.999 + 0.001;
      sum += x;
    }
    const lanes = { scalar: 1, neon: 4, avx2: 8, avx512: 16 }[row.isa] as number;
    for (const threads of [1, 2, 3]) {
      const y = new Float32Array(16 * 4);
      callKernel(row, probeFmaParams, { iterations, tiles: 4 }, [y], [], { threads });
      for (let t = 0; t < 4; t++) for (let l = 0; l < lanes; l++) expect(y[16 * t + l]).toBeCloseTo(sum, 4);
    }
    expect(probeFmaFlops(iterations, 4, lanes)).toBe(2 * PROBE_FMA_PER_ITERATION * lanes * iterations * 4);
  });
  it('refuses to run for hours', () => {
    const y = new Float32Array(16);
    expect(() => callKernel(row, probeFmaParams, { iterations: 2 ** 40, tiles: 1 }, [y], [])).toThrow(/10\^7/);
    expect(() => callKernel(row, probeFmaParams, { iterations: -1, tiles: 1 }, [y], [])).toThrow(/10\^7/);
    expect(() => callKernel(row, probeFmaParams, { iterations: 1, tiles: 2 }, [y], [])).toThrow(/64 bytes a tile/);
    expect(() => callKernel(row, probeFmaParams, { iterations: 1, tiles: 2 ** 40 }, [y], [])).toThrow(/tiles/);
  });
});

describe.each(rowsOf('probe_read', 'f32'))('$name', (row) => {
  it('reads every byte as often as it says', () => {
    const x = randomFloats(128 * 9, 1);
    const sum = x.reduce((a, b) => a + b, 0);
    for (const threads of [1, 2, 3]) {
      for (const tiles of [1, 3]) {
        const y = new Float32Array(16 * tiles);
        callKernel(row, probeReadParams, { bytes: x.byteLength, rounds: 3, tiles }, [y], [x], { threads });
        expect(y.reduce((a, b) => a + b, 0)).toBeCloseTo(3 * sum, 2);
      }
    }
  });
  it('refuses what does not fit', () => {
    const [y, x] = [new Float32Array(16), new Float32Array(16)];
    expect(() => callKernel(row, probeReadParams, { bytes: 65, rounds: 1, tiles: 1 }, [y], [x])).toThrow(/input must hold/);
    expect(() => callKernel(row, probeReadParams, { bytes: 64, rounds: 2 ** 40, tiles: 1 }, [y], [x])).toThrow(/rounds/);
    expect(() => callKernel(row, probeReadParams, { bytes: 64, rounds: 1, tiles: 2 }, [y], [x])).toThrow(/64 bytes a tile/);
  });
});
