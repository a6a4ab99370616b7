/** What tests and benches share: one kernel call with its operands. */
import type { TypedArray } from '../../lib/dtype.js';
import type { ParamSchema } from '../../lib/kernels/params.js';

export interface KernelCase {
  readonly name: string;
  readonly op: string;
  /** What the row is selected by, `f32`. */
  readonly dtypes: string;
  readonly schema: ParamSchema;
  readonly params: Readonly<Record<string, number | readonly number[]>>;
  readonly tail?: readonly number[];
  /** Fresh operands of the right size; the inputs are the same at every call. */
  outputs(): (TypedArray | undefined)[];
  inputs(): (TypedArray | undefined)[];
  /** Big and realistic: timed by the bench, skipped by the tests. */
  readonly bench?: boolean;
  /** Floating-point (or integer) multiplications and additions of the definition; left out where memory is the limit. */
  readonly flops?: number;
  /** Bytes that must be read and written, where they are not those of the operands. */
  readonly bytes?: number;
}

/** A small, fast, seeded generator: the same numbers on every machine. */
export function mulberry32(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function floats(length: number, seed: number, low = -1, high = 1): Float32Array {
  const next = mulberry32(seed);
  return Float32Array.from({ length }, () => low + (high - low) * next());
}
