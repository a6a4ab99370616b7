/**
 * The safetensors format: u64 length of a JSON header, the header, the bytes of the tensors. The header is not trusted: ranges lie inside the
 * file, do not overlap, and are as long as type and shape say.
 */
import { byteSize, type DType } from '../dtype.js';
import { dsnkError, spelled } from '../errors.js';
import { assertApart } from './model-file.js';
import { MAX_ELEMENTS, type TensorEntry } from './tensors.js';

/** Types that weights have. Others may stand in a file as long as nobody asks for them. */
const types: Readonly<Record<string, DType>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

/** No header is longer (the format's own limit). */
const MAX_HEADER = 100e6;

const isSize = (d: unknown): d is number => Number.isSafeInteger(d) && (d as number) >= 0;

export function parseSafetensors(bytes: Uint8Array, where: string): TensorEntry[] {
  const invalid = (mustHold: string, came: string, cause?: unknown) => dsnkError('ERR_DSNK_INVALID_MODEL', where, mustHold, came, cause);
  if (bytes.length < 8) throw invalid('a safetensors file must begin with the length of its header', `it has ${bytes.length} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(Math.min(bytes.length - 8, MAX_HEADER))) throw invalid('the header must lie inside the file', `its length is ${length}`);
  const start = 8 + Number(length);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, start)));
  } catch (cause) {
    throw invalid('the header must be JSON', cause instanceof Error ? cause.message : `${cause}`, cause);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw invalid('the header must be an object', spelled(header));
  const entries: TensorEntry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const at = `${where}, tensor "${name}"`;
    const wrong = (mustHold: string, came: string) => dsnkError('ERR_DSNK_INVALID_MODEL', at, mustHold, came);
    const { dtype, shape, data_offsets: offsets } = (value ?? {}) as { dtype?: unknown; shape?: unknown; data_offsets?: unknown };
    if (typeof dtype !== 'string') throw wrong('dtype must be a name', spelled(dtype));
    if (!Array.isArray(shape) || !shape.every(isSize)) throw wrong('shape must be a list of sizes', spelled(shape));
    if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) throw wrong('data_offsets must be two positions', spelled(offsets));
    const [begin, end] = offsets as [number, number];
    if (begin > end || end > bytes.length - start) throw wrong(`data_offsets must lie in the ${bytes.length - start} bytes of tensors`, `[${offsets}] came`);
    const elements = (shape as number[]).reduce((n, d) => n * Math.max(d, 1), 1);
    if (elements > MAX_ELEMENTS) throw wrong('it must have less than 2^44 elements', `[${shape}] came`);
    const type = Object.hasOwn(types, dtype) ? types[dtype] : undefined;
    const size = type && byteSize(type, (shape as number[]).includes(0) ? 0 : elements);
    if (size !== undefined && size !== end - begin) throw wrong(`${dtype}[${shape}] must have ${size} bytes`, `${end - begin} came`);
    entries.push({ name, dims: [...(shape as number[])], type: dtype, dtype: type, begin: start + begin, end: start + end });
  }
  assertApart(entries, where);
  return entries;
}
