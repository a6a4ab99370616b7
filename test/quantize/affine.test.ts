import { describe, expect, it } from 'vitest';
import { roundHalfEven } from '../../lib/dtype.js';
import { affineOver, coverage, MIN_SCALE, rounded } from '../../lib/quantize/affine.js';

describe('affine maps', () => {
  it('say zero exactly and cover the range within half a step', () => {
    for (const type of ['u8', 's8'] as const) {
      for (const [low, high] of [
        [-1, 1],
        [0, 6],
        [0.5, 3],
        [-3, -0.1],
        [-0.37, 5.11],
        [-1e-3, 1e4],
        [-1e30, 1e30],
      ] as const) {
        const map = affineOver({ low, high }, type);
        expect(rounded(0, map)).toBe(0);
        expect(Number.isInteger(map.zero)).toBe(true);
        expect(Math.fround(map.scale)).toBe(map.scale);
        const covered = coverage(map);
        // The zero point moves the ends by up to half a step, the float32 scale by a relative 2^-24 of 255 steps.
        const slack = map.scale * (0.5 + 255 * 2 ** -24);
        expect(covered.low).toBeLessThanOrEqual(Math.min(low, 0) + slack);
        expect(covered.high).toBeGreaterThanOrEqual(Math.max(high, 0) - slack);
      }
    }
  });

  it('have a scale of 1 for nothing but zeros, and no subnormal one', () => {
    expect(affineOver({ low: 0, high: 0 }, 'u8')).toMatchObject({ scale: 1, zero: 0 });
    expect(affineOver({ low: 0, high: 0 }, 's8')).toMatchObject({ scale: 1, zero: 0 });
    expect(affineOver({ low: 0, high: 1e-42 }, 'u8').scale).toBe(MIN_SCALE);
    expect(Number.isFinite(affineOver({ low: -3.4e38, high: 3.4e38 }, 'u8').scale)).toBe(true);
  });

  it('use 0…255 and -127…127', () => {
    expect(affineOver({ low: 0, high: 255 }, 'u8')).toEqual({ scale: 1, zero: 0, least: 0, most: 255 });
    expect(affineOver({ low: -255, high: 0 }, 'u8')).toEqual({ scale: 1, zero: 255, least: 0, most: 255 });
    expect(affineOver({ low: -10, high: 127 }, 's8')).toEqual({ scale: 1, zero: 0, least: -127, most: 127 });
  });

  it('round half to even', () => {
    expect([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4999, 2.5001].map(roundHalfEven).map((v) => v + 0)).toEqual([-2, -2, 0, 0, 2, 2, 2, 3]);
  });
});
