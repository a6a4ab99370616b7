/** Reads NumPy's .npy files (format 1.0 to 3.0, little endian, C order). Source: NumPy, NEP 1. */
import { arrayConstructor, byteSize, type DType } from '../dtype.js';
import { dsnkError } from '../errors.js';
import { elementCount } from '../graph/dim.js';
import type { HostTensor } from '../tensor.js';

const types: Readonly<Record<string, DType>> = {
  '<f4': 'float32',
  '<f8': 'float64',
  '<f2': 'float16',
  '|i1': 'int8',
  '|u1': 'uint8',
  '|b1': 'bool',
  '<i2': 'int16',
  '<u2': 'uint16',
  '<i4': 'int32',
  '<u4': 'uint32',
  '<i8': 'int64',
  '<u8': 'uint64',
};

/** The contents of the file at `path`. */
export function readNpy(path: string, file: Buffer): HostTensor {
  const fail = (must: string, came?: string) => dsnkError('ERR_DSNK_INVALID_ARGUMENT', `file ${path}`, must, came);
  if (file.length < 12 || file.toString('latin1', 0, 6) !== '\x93NUMPY') throw fail('must be a .npy file');
  const wide = (file[6] as number) >= 2;
  const length = wide ? file.readUInt32LE(8) : file.readUInt16LE(8);
  const start = wide ? 12 : 10;
  const header = file.toString('latin1', start, start + length);
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1] ?? '';
  const dtype = types[descr];
  if (dtype === undefined) throw fail(`element type must be one of ${Object.keys(types).join(' ')}`, `'${descr}' came`);
  if (/'fortran_order'\s*:\s*True/.test(header)) throw fail('array must be in C order', 'Fortran order came');
  const dims = (/'shape'\s*:\s*\(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .map((s) => s.trim())
    .filter((s) => s !== '')
    .map(Number);
  const bytes = byteSize(dtype, elementCount(dims));
  if (file.length < start + length + bytes) throw fail(`must hold ${bytes} bytes of elements`, `${file.length - start - length} came`);
  const body = new Uint8Array(file.subarray(start + length, start + length + bytes)); // a copy, so aligned
  return { dtype, dims, data: new (arrayConstructor(dtype))(body.buffer) };
}
