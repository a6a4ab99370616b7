import { describe, expect, it } from 'vitest';
import {
  affineGridParams,
  col2imParams,
  deformConvParams,
  gridSampleParams,
  maxUnpoolParams,
  roiAlignParams,
  samplePadding,
  sampling,
} from '../../lib/kernels/vision.js';
import { callKernel, excess, randomFloats, rowNamed, rowsOf } from './harness.js';

describe.each(rowsOf('grid_sample', 'f32'))('$name', (row) => {
  const [batches, channels, height, width, positions] = [2, 3, 5, 7, 71];
  const x = randomFloats(batches * channels * height * width, 1);
  const grid = randomFloats(batches * positions * 2, 2, -1.6, 1.6);
  const params = { batches, channels, dims: [1, height, width], positions, rank: 2, sampling: 1, padding: 0, alignCorners: 0 };

  /** Bilinear or nearest, float64, the position folded back one mirror at a time. */
  function reference(mode: string, padding: string, corners: number): Float64Array {
    const y = new Float64Array(batches * channels * positions);
    const mirror = (v: number, low: number, high: number) => {
      while (v < low || v > high) v = v < low ? 2 * low - v : 2 * high - v;
      return v;
    };
    const position = (part: number, length: number) => {
      let v = corners ? ((part + 1) / 2) * (length - 1) : ((part + 1) * length - 1) / 2;
      if (padding === 'border') v = Math.min(Math.max(v, 0), length - 1);
      if (padding === 'reflection') v = corners ? mirror(v, 0, length - 1) : Math.min(Math.max(mirror(v, -0.5, length - 0.5), -0.5), length - 0.5);
      return v;
    };
    for (let n = 0; n < batches; n++)
      for (let c = 0; c < channels; c++)
        for (let o = 0; o < positions; o++) {
          const pixel = (i: number, j: number) => {
            if (padding !== 'zeros') [i, j] = [Math.min(Math.max(i, 0), height - 1), Math.min(Math.max(j, 0), width - 1)];
            return i < 0 || j < 0 || i >= height || j >= width ? 0 : (x[((n * channels + c) * height + i) * width + j] as number);
          };
          const w = position(grid[(n * positions + o) * 2] as number, width);
          const h = position(grid[(n * positions + o) * 2 + 1] as number, height);
          const at = (n * channels + c) * positions + o;
          if (mode === 'nearest') y[at] = pixel(Math.round(h), Math.round(w));
          else {
            const [i, j] = [Math.floor(h), Math.floor(w)];
            const [a, b] = [h - i, w - j];
            y[at] = (1 - a) * ((1 - b) * pixel(i, j) + b * pixel(i, j + 1)) + a * ((1 - b) * pixel(i + 1, j) + b * pixel(i + 1, j + 1));
          }
        }
    return y;
  }

  it.each(['nearest', 'linear'] as const)('%s, every padding', (mode) => {
    for (const padding of samplePadding.members)
      for (const alignCorners of [0, 1])
        for (const threads of [1, 3]) {
          const y = new Float32Array(batches * channels * positions);
          callKernel(
            row,
            gridSampleParams,
            { ...params, sampling: sampling.value(mode), padding: samplePadding.value(padding), alignCorners },
            [y],
            [x, grid],
            {
              threads,
            },
          );
          // A position is off by at most 8 roundings of numbers below 16: 8 · 16 · 2^-24, times a slope of at most 2 along two axes.
          expect(excess(y, reference(mode, padding, alignCorners), 8 * 16 * 2 ** -24 * 4 + 2 ** -20, 0)).toBeLessThanOrEqual(0);
        }
  });

  it('stays in bounds whatever the grid holds', () => {
    const wild = Float32Array.from({ length: batches * positions * 2 }, (_, i) => [NaN, Infinity, -Infinity, 3e38, -3e38, 1e10][i % 6] as number);
    for (let mode = 0; mode < 3; mode++)
      for (let padding = 0; padding < 3; padding++)
        for (const alignCorners of [0, 1]) {
          const y = new Float32Array(batches * channels * positions);
          callKernel(row, gridSampleParams, { ...params, sampling: mode, padding, alignCorners }, [y], [x, wild]);
          if (padding === 0) expect(y.every((v) => v === 0)).toBe(true);
        }
  });

  it('has the bits of the definition', () => {
    const definition = rowNamed('grid_sample_f32_scalar');
    for (let mode = 0; mode < 3; mode++)
      for (let padding = 0; padding < 3; padding++) {
        const [y, z] = [0, 1].map(() => new Float32Array(batches * channels * positions)) as [Float32Array, Float32Array];
        callKernel(row, gridSampleParams, { ...params, sampling: mode, padding, alignCorners: 1 }, [y], [x, grid]);
        callKernel(definition, gridSampleParams, { ...params, sampling: mode, padding, alignCorners: 1 }, [z], [x, grid]);
        expect(y).toEqual(z);
      }
  });

  it('refuses parameters that do not fit', () => {
    const run = (change: object) => () =>
      callKernel(row, gridSampleParams, { ...params, ...change }, [new Float32Array(batches * channels * positions)], [x, grid]);
    expect(run({})).not.toThrow();
    expect(run({ positions: 72 })).toThrow(/must hold/);
    expect(run({ dims: [1, 6, 7] })).toThrow(/must hold/);
    expect(run({ dims: [2, 5, 7] })).toThrow(/beyond the rank/);
    expect(run({ rank: 4 })).toThrow(/rank/);
    expect(run({ sampling: 3 })).toThrow(/Sampling/);
    expect(run({ padding: -1 })).toThrow(/SamplePadding/);
  });
});

describe('affine_grid', () => {
  it.each([
    ['affine_grid_f32_scalar', Float32Array],
    ['affine_grid_f64_scalar', Float64Array],
  ] as const)('%s', (name, Type) => {
    const theta = Type.from(randomFloats(2 * 12, 3));
    const [depth, height, width] = [2, 3, 4];
    for (const alignCorners of [0, 1]) {
      const y = new Type(2 * depth * height * width * 3);
      callKernel(rowNamed(name), affineGridParams, { batches: 2, dims: [depth, height, width], rank: 3, alignCorners }, [y], [theta]);
      const part = (i: number, n: number) => (alignCorners ? -1 + (2 * i) / (n - 1) : (2 * i + 1) / n - 1);
      let at = 0;
      for (let n = 0; n < 2; n++)
        for (let d = 0; d < depth; d++)
          for (let h = 0; h < height; h++)
            for (let w = 0; w < width; w++)
              for (let k = 0; k < 3; k++, at++) {
                const m = theta.subarray(n * 12 + k * 4, n * 12 + k * 4 + 4) as unknown as [number, number, number, number];
                expect(y[at]).toBeCloseTo(m[0] * part(w, width) + m[1] * part(h, height) + m[2] * part(d, depth) + m[3], 5);
              }
    }
  });
});

describe('roi_align', () => {
  const row = rowNamed('roi_align_f32_scalar');
  const params = { rois: 2, batches: 2, channels: 3, height: 8, width: 9, outH: 2, outW: 3, samplingRatio: 2, max: 0, halfPixel: 1, spatialScale: 0.5 };
  // A plane that rises linearly is its own bilinear interpolation: the mean over a bin is the value at its middle.
  const x = Float32Array.from({ length: 2 * 3 * 72 }, (_, i) => Math.floor(i / 72) * 100 + (Math.floor(i / 9) % 8) * 2 + (i % 9));
  const rois = Float32Array.of(2, 4, 14, 12, 1, 1, 9, 13);
  it('gives the middle of every bin on a linear image', () => {
    const y = new Float32Array(2 * 3 * 6);
    callKernel(row, roiAlignParams, params, [y], [x, rois, BigInt64Array.of(1n, 0n)]);
    let at = 0;
    for (let r = 0; r < 2; r++)
      for (let c = 0; c < 3; c++)
        for (let i = 0; i < 2; i++)
          for (let j = 0; j < 3; j++, at++) {
            const [x0, y0, x1, y1] = [0, 1, 2, 3].map((k) => (rois[r * 4 + k] as number) * 0.5 - 0.5) as [number, number, number, number];
            const plane = ((r === 0 ? 1 : 0) * 3 + c) * 100;
            expect(y[at]).toBeCloseTo(plane + (y0 + ((i + 0.5) * (y1 - y0)) / 2) * 2 + x0 + ((j + 0.5) * (x1 - x0)) / 3, 3);
          }
  });
  it('faults on damaged regions', () => {
    const run = (roi: Float32Array, batch: bigint, samplingRatio: number) => () =>
      callKernel(row, roiAlignParams, { ...params, samplingRatio }, [new Float32Array(36)], [x, roi, BigInt64Array.of(0n, batch)]);
    expect(run(rois, 2n, 2)).toThrow(/inside their axis/);
    expect(run(rois, -1n, 2)).toThrow(/inside their axis/);
    expect(run(Float32Array.of(0, 0, 1e30, 1e30, NaN, 0, 1, 1), 0n, 0)).toThrow(/values must be/);
    expect(run(Float32Array.of(0, 0, 1e30, Infinity, NaN, 0, 1, 1), 0n, 2)).not.toThrow();
  });
});

describe('col2im', () => {
  const row = rowNamed('col2im_f32_scalar');
  const params = {
    planes: 2,
    image: [1, 1, 6, 7],
    block: [1, 1, 2, 3],
    blocks: [1, 1, 4, 3],
    strides: [1, 1, 2, 3],
    pads: [0, 0, 1, 2],
    dilations: [1, 1, 1, 2],
  };
  it('sums blocks where they overlap', () => {
    const x = randomFloats(2 * 6 * 12, 4);
    const want = new Float64Array(2 * 42);
    let from = 0;
    for (let p = 0; p < 2; p++)
      for (let a = 0; a < 2; a++)
        for (let b = 0; b < 3; b++)
          for (let i = 0; i < 4; i++)
            for (let j = 0; j < 3; j++, from++) {
              const [h, w] = [i * 2 + a - 1, j * 3 + b * 2 - 2];
              if (h >= 0 && h < 6 && w >= 0 && w < 7) want[p * 42 + h * 7 + w] = (want[p * 42 + h * 7 + w] as number) + (x[from] as number);
            }
    const y = new Float32Array(2 * 42);
    callKernel(row, col2imParams, params, [y], [x], { threads: 2 });
    expect(excess(y, want, 6 * 2 ** -23, 0)).toBeLessThanOrEqual(0);
  });
  it('refuses parameters that do not fit', () => {
    const run = (change: object) => () => callKernel(row, col2imParams, { ...params, ...change }, [new Float32Array(84)], [new Float32Array(144)]);
    expect(run({ strides: [1, 1, 2 ** 28, 3] })).not.toThrow();
    expect(run({ strides: [1, 1, 2 ** 29, 3] })).toThrow(/2\^28/);
    expect(run({ blocks: [1, 1, 5, 3] })).toThrow(/must hold/);
    expect(run({ image: [1, 1, 7, 7] })).toThrow(/must hold/);
    expect(run({ block: [1, 0, 2, 3] })).toThrow(/positive/);
  });
});

describe('max_unpool', () => {
  const row = rowNamed('max_unpool_f32_scalar');
  const run = (index: bigint[]) => {
    const y = new Float32Array(2 * 12).fill(9);
    callKernel(row, maxUnpoolParams, { elements: 3, planes: 2, from: [1, 2, 2], to: [1, 3, 4] }, [y], [Float32Array.of(1, 2, 3), BigInt64Array.from(index)]);
    return [...y];
  };
  it('scatters through the smaller planes', () => {
    const want = new Array(24).fill(0);
    [want[1], want[5], want[16]] = [1, 3, 2];
    expect(run([1n, 6n, 3n])).toEqual(want);
  });
  it('faults on indices outside', () => {
    expect(() => run([0n, 8n, 1n])).toThrow(/inside their axis/);
    expect(() => run([0n, -1n, 1n])).toThrow(/inside their axis/);
  });
});

describe('deform_conv', () => {
  const row = rowNamed('deform_conv_f32_scalar');
  const params = {
    batches: 1,
    channels: 4,
    height: 5,
    width: 6,
    outC: 2,
    outH: 5,
    outW: 6,
    kernelH: 3,
    kernelW: 3,
    groups: 2,
    offsetGroups: 2,
    strides: [1, 1],
    pads: [1, 1],
    dilations: [1, 1],
  };
  const x = randomFloats(120, 5);
  const w = randomFloats(2 * 2 * 9, 6);
  it('is a convolution where nothing moves, of shifted images where all move', () => {
    for (const shift of [0, 1]) {
      const offset = new Float32Array(2 * 9 * 2 * 30).fill(shift);
      const y = new Float32Array(60);
      callKernel(row, deformConvParams, params, [y], [x, w, offset, Float32Array.of(0.5, -1), new Float32Array(2 * 9 * 30).fill(2)], { threads: 2 });
      for (let m = 0; m < 2; m++)
        for (let i = 0; i < 5; i++)
          for (let j = 0; j < 6; j++) {
            let sum = m === 0 ? 0.5 : -1;
            for (let c = 0; c < 2; c++)
              for (let a = 0; a < 3; a++)
                for (let b = 0; b < 3; b++) {
                  const [h, v] = [i + a - 1 + shift, j + b - 1 + shift];
                  if (h >= 0 && h < 5 && v >= 0 && v < 6) sum += 2 * (w[(m * 2 + c) * 9 + a * 3 + b] as number) * (x[(m * 2 + c) * 30 + h * 6 + v] as number);
                }
            expect(y[(m * 5 + i) * 6 + j]).toBeCloseTo(sum, 4);
          }
    }
  });
  it('reads zeroes far outside and refuses what does not fit', () => {
    const offset = Float32Array.from({ length: 1080 }, (_, i) => [NaN, 1e30, -Infinity][i % 3] as number);
    const y = new Float32Array(60);
    callKernel(row, deformConvParams, params, [y], [x, w, offset, undefined, undefined]);
    expect(y.every((v) => v === 0)).toBe(true);
    const run = (change: object) => () => callKernel(row, deformConvParams, { ...params, ...change }, [y], [x, w, offset, undefined, undefined]);
    expect(run({ groups: 3 })).toThrow(/divide/);
    expect(run({ kernelW: 4 })).toThrow(/must hold/);
    expect(run({ outH: 6 })).toThrow(/must hold/);
    expect(run({ strides: [0, 1] })).toThrow(/2\^24/);
  });
});
