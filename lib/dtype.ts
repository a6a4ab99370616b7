/** Element types: ONNX names and numbers, sizes, and the typed arrays that carry them. */
import { dsnkError } from './errors.js';

interface DTypeRow {
  /** TensorProto.DataType. */
  readonly onnx: number;
  /** Bits of one element. */
  readonly bits: number;
  /** The name kernels use. */
  readonly short: string;
  readonly kind: 'float' | 'int' | 'uint' | 'bool' | 'string' | 'complex';
}

const rows = {
  float32: { onnx: 1, bits: 32, short: 'f32', kind: 'float' },
  uint8: { onnx: 2, bits: 8, short: 'u8', kind: 'uint' },
  int8: { onnx: 3, bits: 8, short: 'i8', kind: 'int' },
  uint16: { onnx: 4, bits: 16, short: 'u16', kind: 'uint' },
  int16: { onnx: 5, bits: 16, short: 'i16', kind: 'int' },
  int32: { onnx: 6, bits: 32, short: 'i32', kind: 'int' },
  int64: { onnx: 7, bits: 64, short: 'i64', kind: 'int' },
  string: { onnx: 8, bits: 0, short: 'str', kind: 'string' },
  bool: { onnx: 9, bits: 8, short: 'bool', kind: 'bool' },
  float16: { onnx: 10, bits: 16, short: 'f16', kind: 'float' },
  float64: { onnx: 11, bits: 64, short: 'f64', kind: 'float' },
  uint32: { onnx: 12, bits: 32, short: 'u32', kind: 'uint' },
  uint64: { onnx: 13, bits: 64, short: 'u64', kind: 'uint' },
  complex64: { onnx: 14, bits: 64, short: 'c64', kind: 'complex' },
  complex128: { onnx: 15, bits: 128, short: 'c128', kind: 'complex' },
  bfloat16: { onnx: 16, bits: 16, short: 'bf16', kind: 'float' },
  float8e4m3fn: { onnx: 17, bits: 8, short: 'f8e4m3fn', kind: 'float' },
  float8e4m3fnuz: { onnx: 18, bits: 8, short: 'f8e4m3fnuz', kind: 'float' },
  float8e5m2: { onnx: 19, bits: 8, short: 'f8e5m2', kind: 'float' },
  float8e5m2fnuz: { onnx: 20, bits: 8, short: 'f8e5m2fnuz', kind: 'float' },
  uint4: { onnx: 21, bits: 4, short: 'u4', kind: 'uint' },
  int4: { onnx: 22, bits: 4, short: 'i4', kind: 'int' },
  float4e2m1: { onnx: 23, bits: 4, short: 'f4e2m1', kind: 'float' },
  float8e8m0: { onnx: 24, bits: 8, short: 'f8e8m0', kind: 'float' },
  uint2: { onnx: 25, bits: 2, short: 'u2', kind: 'uint' },
  int2: { onnx: 26, bits: 2, short: 'i2', kind: 'int' },
} as const satisfies Record<string, DTypeRow>;

export type DType = keyof typeof rows;

export const dtypes: Readonly<Record<DType, DTypeRow>> = rows;

const byOnnx = new Map<number, DType>(Object.entries(rows).map(([name, row]) => [row.onnx, name as DType]));

export function dtypeFromOnnx(id: number, where: string): DType {
  const dtype = byOnnx.get(id);
  if (dtype === undefined) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'element type must be one of TensorProto.DataType', `${id} came`);
  return dtype;
}

export function isDType(name: unknown): name is DType {
  return typeof name === 'string' && Object.hasOwn(rows, name);
}

/** Bytes of `count` elements (types below 8 bits are packed). */
export function byteSize(dtype: DType, count: number): number {
  return Math.ceil((dtypes[dtype].bits * count) / 8);
}

/** The short name that kernels use, `f32`, `i64` …. */
export function shortName(dtype: DType): string {
  return dtypes[dtype].short;
}

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

type TypedArrayConstructor = {
  new (length: number): TypedArray;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TypedArray;
  readonly BYTES_PER_ELEMENT: number;
};

const arrays: Partial<Record<DType, TypedArrayConstructor>> = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
};

/** The typed array that carries a dtype in JavaScript; the 8-, 4- and 2-bit formats without one travel as raw bytes. */
export function arrayConstructor(dtype: DType): TypedArrayConstructor {
  return arrays[dtype] ?? Uint8Array;
}

export function isInteger(dtype: DType): boolean {
  const { kind } = dtypes[dtype];
  return kind === 'int' || kind === 'uint';
}

export function isFloat(dtype: DType): boolean {
  return dtypes[dtype].kind === 'float';
}

/** The nearest integer, ties to even, as kernels round; zeros keep their sign. */
export function roundHalfEven(x: number): number {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}
