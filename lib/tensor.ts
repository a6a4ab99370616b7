/** Tensors at the boundary: the class of onnxruntime-common, and any object of its shape from another copy of it. */
import { Tensor } from 'onnxruntime-common';
import { arrayConstructor, byteSize, type DType, isDType, type TypedArray } from './dtype.js';
import { dsnkError, shapeText } from './errors.js';
import { elementCount } from './graph/dim.js';

export { Tensor };

/** What a feed must look like. ESM and CommonJS copies of onnxruntime-common have different classes, so none is asked for. */
export interface TensorLike {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}

/** A checked tensor: element type, dimensions, and the typed array that carries exactly its elements. */
export interface HostTensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

/** Reads a feed. Throws ERR_DSNK_INVALID_ARGUMENT or ERR_DSNK_DTYPE_MISMATCH naming it. */
export function readTensor(tensor: unknown, where: string): HostTensor {
  if (typeof tensor !== 'object' || tensor === null)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'must be a Tensor', `${tensor === null ? 'null' : typeof tensor} came`);
  if (Array.isArray(tensor) || ArrayBuffer.isView(tensor))
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'must be a Tensor, or { type, dims, data }', `a bare ${tensor.constructor.name} came`);
  const { type, dims } = tensor as Partial<TensorLike>;
  const data = dataOf(tensor, where);
  if (type === 'string' || !isDType(type))
    throw dsnkError('ERR_DSNK_DTYPE_MISMATCH', where, 'element type must be a numeric ONNX type', `${String(type)} came`);
  if (!Array.isArray(dims) || dims.includes(undefined as unknown as number) || !dims.every((d) => Number.isSafeInteger(d) && d >= 0)) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'dims must be non-negative integers', `${Array.isArray(dims) ? shapeText(dims) : String(dims)} came`);
  }
  if (!ArrayBuffer.isView(data) || data instanceof DataView)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'data must be a typed array', `${typeof data} came`);
  const array = data as unknown as TypedArray;
  const kind = array[Symbol.toStringTag]; // also that of a subclass, and of an array from another realm
  const bytes = byteSize(type, elementCount(dims));
  const bits = array.BYTES_PER_ELEMENT * 8;
  const expected = arrayConstructor(type);
  // Float16Array and Uint16Array both carry float16; Uint8Array carries bool and the formats below 8 bits.
  if (bits !== expected.BYTES_PER_ELEMENT * 8 || (type !== 'float16' && kind !== expected.name && kind !== 'Uint8Array')) {
    throw dsnkError('ERR_DSNK_DTYPE_MISMATCH', where, `${type} data must be a ${expected.name}`, `a ${kind} came`);
  }
  if (array.byteLength !== bytes) {
    throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', where, `data must hold ${elementCount(dims)} elements for dims [${dims.join(',')}]`, `${array.length} came`);
  }
  return { dtype: type, dims, data: array };
}

/** The `data` of a tensor: a getter in onnxruntime's class, which throws once the tensor is disposed or while it is on a GPU. */
function dataOf(tensor: Partial<TensorLike>, where: string): unknown {
  try {
    return tensor.data;
  } catch (cause) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'data must be there to read', (cause as Error).message, cause);
  }
}

/** Fresh memory for a result. Throws ERR_DSNK_OUT_OF_MEMORY. */
export function allocate(dtype: DType, dims: readonly number[]): TypedArray {
  const ctor = arrayConstructor(dtype);
  const sizeBytes = byteSize(dtype, elementCount(dims));
  try {
    return new ctor(sizeBytes / ctor.BYTES_PER_ELEMENT);
  } catch (error) {
    throw dsnkError('ERR_DSNK_OUT_OF_MEMORY', `tensor ${dtype}${shapeText(dims)}`, 'the system must have the memory for it', `${sizeBytes} bytes`, error);
  }
}

/** The same elements in memory that the caller does not hold. Throws ERR_DSNK_OUT_OF_MEMORY. */
export function copyTensor({ dtype, dims, data }: HostTensor): HostTensor {
  const copy = allocate(dtype, dims);
  // As bytes: a Buffer or a Float16Array would be viewed or converted.
  new Uint8Array(copy.buffer).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return { dtype, dims, data: copy };
}

/** Element types that the constructor of Tensor takes. */
const tensorTypes: ReadonlySet<DType> = new Set<DType>([
  'float32',
  'float64',
  'float16',
  'int64',
  'uint64',
  'int32',
  'uint32',
  'int16',
  'uint16',
  'int8',
  'uint8',
  'bool',
  'int4',
  'uint4',
]);

/** A Tensor over a result, without a copy. */
export function toTensor(t: HostTensor): Tensor {
  if (tensorTypes.has(t.dtype)) return new Tensor(t.dtype as 'float32', t.data as Float32Array, t.dims);
  // The class does not know bfloat16, the 8-bit floats and the 2-bit formats: the object is one of it all the same.
  const raw = new Tensor(t.data instanceof Uint16Array ? 'uint16' : 'uint8', t.data as Uint8Array, [t.data.length]);
  return Object.assign(raw, { type: t.dtype, dims: t.dims, size: elementCount(t.dims) });
}
