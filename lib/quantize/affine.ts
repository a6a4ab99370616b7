/** Scale and zero point: x ≈ (q - zero)·scale, with q an integer of 8 bits and 0 always exact. */
import { roundHalfEven } from '../dtype.js';

/** Unsigned with a zero point, or signed and symmetric about zero. */
export const activationTypes = ['u8', 's8'] as const;
export type ActivationType = (typeof activationTypes)[number];

export interface Range {
  readonly low: number;
  readonly high: number;
}

export interface Affine {
  /** A float32. */
  readonly scale: number;
  readonly zero: number;
  /** The least and the largest integer. */
  readonly least: number;
  readonly most: number;
}

/** Smaller scales would be subnormal: processors that flush those to zero would divide by it. */
export const MIN_SCALE = 2 ** -126;

/** Scale of `steps` steps over a width; 1 where there is no width, so that nobody divides by zero. */
export function scaleOver(width: number, steps: number): number {
  if (!(width > 0)) return 1;
  return Math.max(Math.fround(Math.min(width / steps, 3e38)), MIN_SCALE);
}

/** The affine map that covers a range, widened to contain zero. */
export function affineOver({ low, high }: Range, type: ActivationType): Affine {
  const [from, to] = [Math.min(low, 0), Math.max(high, 0)];
  if (type === 's8') return { scale: scaleOver(Math.max(-from, to), 127), zero: 0, least: -127, most: 127 };
  const scale = scaleOver(to - from, 255);
  return { scale, zero: Math.min(Math.max(roundHalfEven(-from / scale), 0), 255), least: 0, most: 255 };
}

/** What the map covers: its outermost integers as numbers. */
export function coverage({ scale, zero, least, most }: Affine): Range {
  return { low: (least - zero) * scale, high: (most - zero) * scale };
}

/** The nearest number that the map can say. */
export function rounded(x: number, { scale, zero, least, most }: Affine): number {
  return (Math.min(Math.max(roundHalfEven(x / scale) + zero, least), most) - zero) * scale;
}
