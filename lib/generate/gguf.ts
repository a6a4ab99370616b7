/**
 * The GGUF format, versions 2 and 3: counts, key-value pairs, descriptions of tensors, their bytes. Nothing in it is trusted: what a count
 * promises must fit what is left of the file before anything is made for it, and ranges lie inside the file and do not overlap.
 */
import { byteSize, type DType } from '../dtype.js';
import { dsnkError } from '../errors.js';
import { type BlockFormat, blockFormats } from './blocks.js';
import { assertApart } from './model-file.js';
import { MAX_ELEMENTS, type TensorEntry } from './tensors.js';

export type GgufValue = number | boolean | string | readonly number[] | readonly boolean[] | readonly string[];

export interface GgufFile {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly TensorEntry[];
}

const floats: Readonly<Record<number, readonly [string, DType]>> = { 0: ['F32', 'float32'], 1: ['F16', 'float16'], 30: ['BF16', 'bfloat16'] };
const block = (name: string): BlockFormat => blockFormats.find((f) => f.name === name) as BlockFormat;
const blocks: Readonly<Record<number, BlockFormat>> = { 2: block('Q4_0'), 8: block('Q8_0'), 12: block('Q4_K'), 14: block('Q6_K') };
/** Names of types for messages. */
// biome-ignore format: a table
const names: Readonly<Record<number, string>> = {
  3: 'Q4_1', 6: 'Q5_0', 7: 'Q5_1', 9: 'Q8_1', 10: 'Q2_K', 11: 'Q3_K', 13: 'Q5_K', 15: 'Q8_K', 16: 'IQ2_XXS', 17: 'IQ2_XS', 18: 'IQ3_XXS', 19: 'IQ1_S',
  20: 'IQ4_NL', 21: 'IQ3_S', 22: 'IQ2_S', 23: 'IQ4_XS', 24: 'I8', 25: 'I16', 26: 'I32', 27: 'I64', 28: 'F64', 29: 'IQ1_M', 34: 'TQ1_0', 35: 'TQ2_0', 39: 'MXFP4',
};

/** Bytes that a value of a type takes at least. */
const leastBytes: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 8: 8, 9: 12, 10: 8, 11: 8, 12: 8 };

const STRING = 8;
const ARRAY = 9;
const MAX_DIMS = 4;

/** Elements of an array of the metadata, which becomes a list: no vocabulary has more. */
const MAX_ARRAY = 2 ** 24;

/** Reads forward; refuses to go beyond the end. */
class Reader {
  readonly #view: DataView;
  readonly #text: Buffer;
  at = 0;

  constructor(
    readonly bytes: Uint8Array,
    readonly where: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  invalid(mustHold: string, came: string): Error {
    return dsnkError('ERR_DSNK_INVALID_MODEL', this.where, mustHold, came);
  }

  #take(count: number): number {
    const { at } = this;
    if (count > this.bytes.length - at) throw this.invalid(`${count} bytes must follow at ${at}`, `the file has ${this.bytes.length}`);
    this.at += count;
    return at;
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A size or position; exact, or refused. */
  u64(): number {
    const v = this.#view.getBigUint64(this.#take(8), true);
    if (v > BigInt(Number.MAX_SAFE_INTEGER)) throw this.invalid('sizes must be below 2^53', `${v} came`);
    return Number(v);
  }

  /** How many of something follow that takes so many bytes at least. */
  count(bytes: number, what: string): number {
    const n = this.u64();
    if (n > (this.bytes.length - this.at) / bytes) throw this.invalid(`the number of ${what} must fit the file`, `${n} came`);
    return n;
  }

  string(): string {
    const length = this.count(1, 'characters');
    const at = this.#take(length);
    return this.#text.toString('utf8', at, at + length);
  }

  scalar(type: number): number | boolean | string {
    switch (type) {
      case 0:
        return this.#view.getUint8(this.#take(1));
      case 1:
        return this.#view.getInt8(this.#take(1));
      case 2:
        return this.#view.getUint16(this.#take(2), true);
      case 3:
        return this.#view.getInt16(this.#take(2), true);
      case 4:
        return this.u32();
      case 5:
        return this.#view.getInt32(this.#take(4), true);
      case 6:
        return this.#view.getFloat32(this.#take(4), true);
      case 7:
        return this.#view.getUint8(this.#take(1)) !== 0;
      case STRING:
        return this.string();
      case 10:
        return Number(this.#view.getBigUint64(this.#take(8), true));
      case 11:
        return Number(this.#view.getBigInt64(this.#take(8), true));
      case 12:
        return this.#view.getFloat64(this.#take(8), true);
      default:
        throw this.invalid('a value must be of a type of GGUF, and no array of arrays', `type ${type} came`);
    }
  }

  value(): GgufValue {
    const type = this.u32();
    if (type !== ARRAY) return this.scalar(type);
    const element = this.u32();
    const count = this.count(leastBytes[element] ?? 1, 'elements');
    if (count > MAX_ARRAY) throw this.invalid(`arrays of the metadata must have at most ${MAX_ARRAY} elements`, `${count} came`);
    return Array.from({ length: count }, () => this.scalar(element)) as GgufValue;
  }

  skipTo(alignment: number): void {
    this.at = Math.min(Math.ceil(this.at / alignment) * alignment, this.bytes.length);
  }
}

export function parseGguf(bytes: Uint8Array, where: string): GgufFile {
  const r = new Reader(bytes, where);
  const magic = r.u32();
  if (magic !== 0x46554747) throw r.invalid('the file must begin with GGUF', `0x${magic.toString(16)} came`);
  const version = r.u32();
  if (version !== 2 && version !== 3) throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', where, 'version of GGUF must be 2 or 3', `${version} came`);
  const tensorCount = r.count(24, 'tensors');
  const pairs = r.count(13, 'key-value pairs');
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < pairs; i++) {
    const key = r.string();
    metadata.set(key, r.value());
  }
  const described = Array.from({ length: tensorCount }, () => {
    const name = r.string();
    const rank = r.u32();
    if (rank > MAX_DIMS) throw r.invalid(`tensor "${name}" must have at most ${MAX_DIMS} dimensions`, `${rank} came`);
    // The innermost comes first in the file.
    const dims = Array.from({ length: rank }, () => r.u64()).reverse();
    return { name, dims, type: r.u32(), offset: r.u64() };
  });
  const alignment = metadata.get('general.alignment') ?? 32;
  if (typeof alignment !== 'number' || !Number.isInteger(alignment) || alignment < 8 || alignment > 2 ** 20 || alignment % 8 !== 0)
    throw r.invalid('general.alignment must be a multiple of 8', `${alignment} came`);
  r.skipTo(alignment);
  const start = r.at;
  const tensors = described.map(({ name, dims, type, offset }) => placed(r, start, name, dims, type, offset));
  if (new Set(tensors.map((t) => t.name)).size !== tensors.length) throw r.invalid('tensors must have names of their own', 'one came twice');
  assertApart(tensors, where);
  return { metadata, tensors };
}

function placed(r: Reader, start: number, name: string, dims: readonly number[], type: number, offset: number): TensorEntry {
  const invalid = (mustHold: string, came: string) => dsnkError('ERR_DSNK_INVALID_MODEL', `${r.where}, tensor "${name}"`, mustHold, came);
  const elements = dims.reduce((n, d) => n * Math.max(d, 1), 1);
  if (elements > MAX_ELEMENTS) throw invalid('it must have less than 2^44 elements', `[${dims}] came`);
  const count = dims.includes(0) ? 0 : elements;
  const begin = start + offset;
  if (offset > r.bytes.length - start) throw invalid('its bytes must lie inside the file', `they begin at ${begin}`);
  const of = (sizeBytes: number) => {
    if (sizeBytes > r.bytes.length - begin) throw invalid('its bytes must lie inside the file', `[${begin}, ${begin + sizeBytes}) came`);
    return begin + sizeBytes;
  };
  const float = floats[type];
  if (float !== undefined) return { name, dims, type: float[0], dtype: float[1], begin, end: of(byteSize(float[1], count)) };
  const format = blocks[type];
  if (format === undefined) return { name, dims, type: names[type] ?? `${type}`, dtype: undefined, begin, end: begin };
  const row = dims.at(-1) ?? 1;
  if (row % format.elements !== 0) throw invalid(`rows of ${format.name} must be multiples of ${format.elements}`, `${row} came`);
  return { name, dims, type: format.name, dtype: undefined, block: format, begin, end: of((count / format.elements) * format.bytes) };
}
