/** TensorProto and SparseTensorProto to constants: views of raw bytes where there are any, converted lists otherwise. */
import { byteSize, type DType, dtypeFromOnnx, dtypes } from '../dtype.js';
import { dsnkError } from '../errors.js';
import { elementCount } from '../graph/dim.js';
import { Constant } from '../graph/graph.js';
import type { ExternalFolder, ModelBytes } from './model-bytes.js';
import { EXTERNAL, type SparseTensorProto, type TensorProto } from './proto.js';

/** A sparse initializer is expanded when it is read; one that would not fit a buffer is refused at import. */
const MAX_DENSE_BYTES = 2 ** 31;

/** A constant of strings: no kernel reads one, but a model that carries one can be looked at and written back. */
export class StringConstant extends Constant {
  constructor(
    dims: readonly number[],
    readonly strings: readonly Uint8Array[],
  ) {
    super('string', dims, () => new Uint8Array(0));
  }
}

export class TensorReader {
  constructor(
    readonly bytes: ModelBytes,
    readonly folder: ExternalFolder,
  ) {}

  constant(proto: TensorProto, where: string): Constant {
    const dtype = dtypeFromOnnx(proto.dataType, where);
    const dims = tensorDims(proto.dims, where);
    const count = elementCount(dims);
    if (dtype === 'string') {
      if (proto.stringData.length !== count) throw wrongCount(where, count, proto.stringData.length);
      return new StringConstant(dims, proto.stringData);
    }
    const length = byteSize(dtype, count);
    if (!Number.isSafeInteger(length)) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'size must fit 2^53 bytes', `dims [${dims.join(',')}] came`);
    if (proto.dataLocation === EXTERNAL) return this.#external(proto, dtype, dims, length, where);
    if (proto.rawData.byteLength > 0) {
      if (proto.rawData.byteLength !== length) {
        throw dsnkError(
          'ERR_DSNK_INVALID_MODEL',
          where,
          `raw_data of ${dtype}[${dims.join(',')}] must have ${length} bytes`,
          `${proto.rawData.byteLength} came`,
        );
      }
      const offset = this.bytes.offsetOf(proto.rawData);
      return new Constant(dtype, dims, () => this.bytes.view(offset, length));
    }
    const bytes = listedBytes(proto, dtype, count, where);
    return new Constant(dtype, dims, () => bytes);
  }

  #external(proto: TensorProto, dtype: DType, dims: readonly number[], length: number, where: string): Constant {
    const entries = new Map(proto.externalData.map((e) => [e.key, e.value]));
    const file = this.folder.open(entries.get('location') ?? '', where);
    const number = (key: string, fallback: number): number => {
      const text = entries.get(key);
      if (text === undefined) return fallback;
      const n = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
      if (!Number.isSafeInteger(n))
        throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `external data ${key} must be a byte count`, `${JSON.stringify(text)} came`);
      return n;
    };
    const offset = number('offset', 0);
    const given = number('length', length);
    if (given !== length) {
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `external data of ${dtype}[${dims.join(',')}] must have ${length} bytes`, `length ${given} came`);
    }
    if (offset + length > file.size) {
      throw dsnkError(
        'ERR_DSNK_INVALID_MODEL',
        where,
        `external data [${offset}, ${offset + length}) must lie inside its file`,
        `${file.path} has ${file.size} bytes`,
      );
    }
    return new Constant(dtype, dims, () => file.read(offset, length));
  }

  /** COO form: values of the elements that are not zero, and their flat or per-axis indices. */
  sparse(proto: SparseTensorProto, where: string): Constant {
    if (proto.values === undefined || proto.indices === undefined)
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'sparse tensor must have values and indices');
    const values = this.constant(proto.values, where);
    const indices = this.constant(proto.indices, where);
    const dims = tensorDims(proto.dims, where);
    const { bits } = dtypes[values.dtype];
    if (bits < 8 || values.dims.length !== 1) {
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'sparse values must be one row of whole bytes', `${values.dtype}[${values.dims.join(',')}] came`);
    }
    if (byteSize(values.dtype, elementCount(dims)) > MAX_DENSE_BYTES) {
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'sparse tensor must expand to at most 2 GiB', `dims [${dims.join(',')}] came`);
    }
    const count = values.dims[0] ?? 0;
    const perAxis = indices.dims.length === 2;
    if (indices.dtype !== 'int64' || indices.dims[0] !== count || (perAxis ? indices.dims[1] !== dims.length : indices.dims.length !== 1)) {
      throw dsnkError(
        'ERR_DSNK_INVALID_MODEL',
        where,
        `sparse indices must be int64[${count}] or int64[${count},${dims.length}]`,
        `${indices.dtype}[${indices.dims.join(',')}] came`,
      );
    }
    const at = flatIndices(indices.values() ?? [], perAxis ? dims : [elementCount(dims)], where);
    const width = bits / 8;
    return new Constant(values.dtype, dims, () => {
      const dense = new Uint8Array(elementCount(dims) * width);
      const bytes = values.read();
      at.forEach((index, i) => {
        dense.set(bytes.subarray(i * width, (i + 1) * width), index * width);
      });
      return dense;
    });
  }
}

function flatIndices(indices: readonly number[], dims: readonly number[], where: string): number[] {
  const flat: number[] = [];
  for (let i = 0; i < indices.length; i += dims.length) {
    let index = 0;
    for (const [axis, dim] of dims.entries()) {
      const at = indices[i + axis] ?? -1;
      if (!(at >= 0 && at < dim)) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `sparse index must be in [0, ${dim})`, `${at} came`);
      index = index * dim + at;
    }
    flat.push(index);
  }
  return flat;
}

export function tensorDims(dims: readonly bigint[], where: string): number[] {
  const sizes = dims.map(Number);
  let product = 1;
  for (const d of sizes) {
    // Zero ends a product early, so each dimension is looked at on its own too.
    product *= Math.max(d, 1);
    if (!Number.isSafeInteger(d) || d < 0 || !Number.isSafeInteger(product * 16)) {
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'dims must be non-negative with a product below 2^49', `[${dims.join(',')}] came`);
    }
  }
  return sizes;
}

function wrongCount(where: string, must: number, came: number): Error {
  return dsnkError('ERR_DSNK_INVALID_MODEL', where, `tensor must have ${must} elements`, `${came} came`);
}

/** The typed lists: several dtypes share one list and one entry of a type below 8 bits is a whole byte. */
function listedBytes(proto: TensorProto, dtype: DType, count: number, where: string): Uint8Array {
  const check = (came: number, must = count) => {
    if (came !== must) throw wrongCount(where, must, came);
  };
  const asBytes = (array: ArrayBufferView<ArrayBuffer>) => new Uint8Array(array.buffer);
  switch (dtype) {
    case 'float32':
      check(proto.floatData.length);
      return asBytes(Float32Array.from(proto.floatData));
    case 'complex64':
      check(proto.floatData.length, count * 2);
      return asBytes(Float32Array.from(proto.floatData));
    case 'float64':
      check(proto.doubleData.length);
      return asBytes(Float64Array.from(proto.doubleData));
    case 'complex128':
      check(proto.doubleData.length, count * 2);
      return asBytes(Float64Array.from(proto.doubleData));
    case 'int64':
      check(proto.int64Data.length);
      return asBytes(BigInt64Array.from(proto.int64Data));
    case 'uint64':
      check(proto.uint64Data.length);
      return asBytes(BigUint64Array.from(proto.uint64Data));
    case 'uint32':
      check(proto.uint64Data.length);
      return asBytes(Uint32Array.from(proto.uint64Data, (v) => Number(BigInt.asUintN(32, v))));
    case 'int32':
      check(proto.int32Data.length);
      return asBytes(Int32Array.from(proto.int32Data));
    case 'int16':
    case 'uint16':
    case 'float16':
    case 'bfloat16':
      check(proto.int32Data.length);
      return asBytes(Uint16Array.from(proto.int32Data));
    default: // one byte per entry: 8-bit types, and packed pairs or fours of the narrow ones
      check(proto.int32Data.length, byteSize(dtype, count));
      return Uint8Array.from(proto.int32Data);
  }
}
