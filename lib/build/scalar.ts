/** A JavaScript number as a scalar of an element type. */
import { type DType, dtypes, roundHalfEven } from '../dtype.js';
import { dsnkError } from '../errors.js';
import { Constant } from '../graph/graph.js';

/** Throws when the type cannot hold the number: a fraction for an integer type, or one out of its range. */
export function scalarConstant(where: string, x: number, dtype: DType): Constant {
  const { kind, bits } = dtypes[dtype];
  if (kind === 'int' || kind === 'uint' || kind === 'bool') {
    const width = kind === 'bool' ? 1 : kind === 'int' ? bits - 1 : bits;
    const low = kind === 'int' ? -(2 ** width) : 0;
    if (bits < 8 || !Number.isInteger(x) || x < low || x >= 2 ** width) {
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `a number beside ${dtype} must be a value of that type`, `${x} came`);
    }
  }
  if (dtype === 'float16') return Constant.of(dtype, [], [halfBits(x)]);
  if (dtype === 'bfloat16') return Constant.of(dtype, [], [bfloatBits(x)]);
  if (dtype !== 'float32' && dtype !== 'float64' && kind !== 'int' && kind !== 'uint' && kind !== 'bool') {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'a number must stand beside a type that JavaScript can convert to', `${dtype} came`);
  }
  return Constant.of(dtype, [], [x]);
}

/** Bits of the nearest binary16, ties to even. The quotient by the spacing of x's binade is exact, so one rounding happens. */
export function halfBits(x: number): number {
  if (Number.isNaN(x)) return 0x7e00;
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const a = Math.abs(x);
  if (a >= 65520) return sign | 0x7c00;
  // Subnormals share the spacing of the smallest binade, 2^-24.
  const exponent = a < 2 ** -14 ? -14 : Math.floor(Math.log2(a));
  const steps = roundHalfEven(a / 2 ** (exponent - 10));
  // A carry out of the mantissa raises the exponent by itself.
  return sign | (a < 2 ** -14 ? steps : ((exponent + 15) << 10) + steps - 1024);
}

/** Bits of the nearest bfloat16, ties to even, of x as a float32. */
export function bfloatBits(x: number): number {
  if (Number.isNaN(x)) return 0x7fc0;
  const bits = new Uint32Array(Float32Array.of(x).buffer)[0] as number;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}
