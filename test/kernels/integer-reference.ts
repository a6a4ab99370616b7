/** Products and convolutions of bytes as their definition reads, in plain TypeScript: no kernel is asked. */
import { expect } from 'vitest';
import { outputSize } from '../../bench/cases/conv.js';
import { type EndingCase, endingOf, endingOperands, type IntegerConvCase, resultOf, signed, unsigned } from '../../bench/cases/integer.js';
import type { TypedArray } from '../../lib/dtype.js';

const f = Math.fround;

/** To the nearest integer, ties to even. */
function rint(v: number): number {
  const floor = Math.floor(v);
  if (v - floor !== 0.5) return Math.round(v);
  return floor % 2 === 0 ? floor : floor + 1;
}
const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);

export type Ending = readonly (TypedArray | undefined)[];

/** One result from its sum with bias, which wraps. */
export function ended(c: EndingCase, acc: number, column: number, at: number, [, multipliers, residual, addend]: Ending): number {
  const e = endingOf(c);
  if (c.output === 'i32') return acc | 0;
  const m = (multipliers as Float32Array)[c.oneMultiplier ? 0 : column] as number;
  let x = f(f(acc | 0) * m);
  if (c.output === 'f32') return addend === undefined ? x : f(x + (addend[column] as number));
  if (Number.isNaN(x)) x = Infinity; // 0 · ∞
  if (residual !== undefined) {
    const t = rint(clamp(x, e.sumLow - e.sumZero, e.sumHigh - e.sumZero));
    const sum = e.sumRatio === 0 ? x : f(t * f(e.sumRatio));
    x = f(sum + f(((residual[at] as number) - e.residualZero) * f(e.residualRatio)));
  }
  return clamp(rint(x) + e.zero, e.low, e.high);
}

export const same = (a: TypedArray, b: TypedArray) => Buffer.compare(Buffer.from(a.buffer), Buffer.from(b.buffer)) === 0;

export function expectSame(got: TypedArray, want: TypedArray): void {
  for (let i = 0; i < want.length; i++) if (!Object.is(got[i], want[i])) expect.fail(`element ${i}: ${got[i]}, expected ${want[i]}`);
}

const three = (list: readonly number[], fill: number): number[] => [...Array<number>(3 - list.length).fill(fill), ...list];
export const total = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);

export interface ConvOperands {
  readonly x: Uint8Array;
  /** [M, C/g, taps] */
  readonly w: Int8Array;
  readonly rest: Ending;
}

/** Where columns are even in number, none is -128: rows that have a faster way for such weights take it. */
export function weights(length: number, columns: number): Int8Array {
  return columns % 2 === 0 ? signed(length, 2).map((v) => Math.max(v, -127)) : signed(length, 2);
}

export function convOperands(c: IntegerConvCase): ConvOperands {
  const k = (total(c.kernel) * c.channels) / (c.group ?? 1);
  return {
    x: unsigned(c.batch * total(c.size) * c.channels, 1),
    w: weights(c.outChannels * k, c.outChannels),
    rest: endingOperands(c, c.outChannels, c.batch * total(outputSize(c)) * c.outChannels, k),
  };
}

/** Every pixel and tap; what lies outside is the zero point and so adds nothing. */
export function convReference(c: IntegerConvCase, o: ConvOperands): TypedArray {
  const group = c.group ?? 1;
  const [inside, outside] = [c.channels / group, c.outChannels / group];
  const [size, out, kernel] = [three(c.size, 1), three(outputSize(c), 1), three(c.kernel, 1)] as [number[], number[], number[]];
  const [strides, dilations] = [three(c.strides ?? [], 1), three(c.dilations ?? [], 1)];
  const pads = three((c.pads ?? c.size.map(() => 0)).slice(0, c.size.length), 0);
  const [taps, ldc, zero] = [total(kernel), c.outChannels + (c.gap ?? 0), c.aZero ?? 0];
  const pixels = c.batch * total(out);
  const y = resultOf(c, pixels * ldc);
  const split = (i: number, dims: readonly number[]) => [
    Math.floor(i / (dims[1] as number) / (dims[2] as number)),
    Math.floor(i / (dims[2] as number)) % (dims[1] as number),
    i % (dims[2] as number),
  ];
  for (let pixel = 0; pixel < pixels; pixel++) {
    const image = Math.floor(pixel / total(out));
    const at = split(pixel % total(out), out);
    for (let m = 0; m < c.outChannels; m++) {
      let acc = (o.rest[0] as Int32Array)[m] as number;
      for (let tap = 0; tap < taps; tap++) {
        const p = split(tap, kernel).map((t, d) => (at[d] as number) * (strides[d] as number) - (pads[d] as number) + t * (dilations[d] as number));
        if (p.some((v, d) => v < 0 || v >= (size[d] as number))) continue;
        const from =
          (((image * (size[0] as number) + (p[0] as number)) * (size[1] as number) + (p[1] as number)) * (size[2] as number) + (p[2] as number)) * c.channels;
        for (let i = 0; i < inside; i++) {
          acc += ((o.x[from + Math.floor(m / outside) * inside + i] as number) - zero) * (o.w[(m * inside + i) * taps + tap] as number);
        }
      }
      y[pixel * ldc + m] = ended(c, acc, m, pixel * c.outChannels + m, o.rest);
    }
  }
  return y;
}
