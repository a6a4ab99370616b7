/** Files of tiny decoders with random weights, as others would have written them. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mulberry32, randomFloats } from '../kernels/harness.js';

/** A tensor of a file: float32 elements, and for GGUF blocks their bytes. */
export interface Written {
  readonly dims: readonly number[];
  readonly values: Float32Array;
  readonly type?: { readonly gguf: number; readonly bytes: Uint8Array };
}

export type Tensors = Record<string, Written>;

/** Random tensors, one after the other. */
export function randomTensors(seed: number) {
  const next = mulberry32(seed);
  return (dims: readonly number[], spread = 0.5, middle = 0): Written => {
    const values = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => middle + spread * (2 * next() - 1));
    return { dims, values };
  };
}

/** The 16 bits of numbers that are float16 or bfloat16 exactly. */
const halves = {
  F16: (v: number) => {
    const sign = v < 0 || Object.is(v, -0) ? 0x8000 : 0;
    const size = Math.abs(v);
    if (size < 2 ** -14) return sign | (size * 2 ** 24);
    const exponent = Math.floor(Math.log2(size));
    return sign | ((exponent + 15) << 10) | ((size / 2 ** exponent - 1) * 1024);
  },
  BF16: (v: number) => (new Uint32Array(Float32Array.of(v).buffer)[0] as number) >>> 16,
};

/** The nearest multiple of 2^-7, below 2 in size: exact in both. */
export const rounded = (values: Float32Array) => values.map((v) => Math.round(v * 128) / 128);

export function safetensors(tensors: Tensors, dtype: 'F32' | 'F16' | 'BF16' = 'F32'): Uint8Array {
  const bytesOf = (values: Float32Array) => new Uint8Array((dtype === 'F32' ? values : Uint16Array.from(values, halves[dtype])).buffer);
  let at = 0;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  for (const [name, { dims, values }] of Object.entries(tensors)) {
    const size = bytesOf(values).length;
    header[name] = { dtype, shape: dims, data_offsets: [at, at + size] };
    at += size;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded + at).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(text, 8);
  let to = 8 + padded;
  for (const { values } of Object.values(tensors)) {
    const own = bytesOf(values);
    bytes.set(own, to);
    to += own.length;
  }
  return bytes;
}

/** A value of GGUF metadata: integers as u32, in lists as i32, others as float32. */
export type Meta = number | boolean | string | readonly string[] | readonly number[];

export function gguf(metadata: Readonly<Record<string, Meta>>, tensors: Tensors, alignment = 32): Uint8Array {
  const parts: Uint8Array[] = [];
  const push = (bytes: number, write: (view: DataView) => void) => {
    const view = new DataView(new ArrayBuffer(bytes));
    write(view);
    parts.push(new Uint8Array(view.buffer));
  };
  const u32 = (v: number) => push(4, (d) => d.setUint32(0, v, true));
  const u64 = (v: number) => push(8, (d) => d.setBigUint64(0, BigInt(v), true));
  const text = (s: string) => {
    const bytes = new TextEncoder().encode(s);
    u64(bytes.length);
    parts.push(bytes);
  };
  const typeOf = (v: Meta) => (typeof v === 'string' ? 8 : typeof v === 'boolean' ? 7 : Number.isInteger(v) ? 4 : 6);
  const scalar = (v: number | boolean | string, type: number) => {
    if (typeof v === 'string') text(v);
    else if (type === 7) parts.push(Uint8Array.of(v ? 1 : 0));
    else if (type === 6) push(4, (d) => d.setFloat32(0, v as number, true));
    else u32(v as number);
  };
  parts.push(new TextEncoder().encode('GGUF'));
  u32(3);
  u64(Object.keys(tensors).length);
  u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    text(key);
    if (typeof value === 'object') {
      const element = value.every((v) => typeof v === 'string') ? 8 : value.every((v) => Number.isInteger(v)) ? 5 : 6;
      u32(9);
      u32(element);
      u64(value.length);
      for (const v of value) scalar(v, element);
    } else {
      u32(typeOf(value));
      scalar(value, typeOf(value));
    }
  }
  const aligned = (n: number) => Math.ceil(n / alignment) * alignment;
  const bytesOf = ({ values, type }: Written) => type?.bytes ?? new Uint8Array(values.buffer);
  let offset = 0;
  for (const [name, t] of Object.entries(tensors)) {
    text(name);
    u32(t.dims.length);
    for (const d of [...t.dims].reverse()) u64(d);
    u32(t.type?.gguf ?? 0);
    u64(offset);
    offset = aligned(offset + bytesOf(t).length);
  }
  const head = Buffer.concat(parts);
  const start = aligned(head.length);
  const file = new Uint8Array(start + offset);
  file.set(head);
  offset = 0;
  for (const t of Object.values(tensors)) {
    file.set(bytesOf(t), start + offset);
    offset = aligned(offset + bytesOf(t).length);
  }
  return file;
}

/** 96 tokens, letters and such, without merges; the last one ends a text. */
export const VOCABULARY = 96;
export const letters = Array.from({ length: VOCABULARY - 1 }, (_, i) => (i === 0 ? '\u0120' : String.fromCharCode(32 + i)));
export const END = VOCABULARY - 1;
export const tokens = [...letters, '<end>'];

export const tokenizerJson = {
  version: '1.0',
  added_tokens: [{ id: END, content: '<end>', special: true, lstrip: false, rstrip: false, single_word: false, normalized: false }],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: { type: 'BPE', vocab: Object.fromEntries(tokens.map((t, i) => [t, i])), merges: [] },
};

export const gpt2Config = { model_type: 'gpt2', vocab_size: VOCABULARY, n_embd: 8, n_head: 2, n_layer: 1, n_positions: 64 };

/** A GPT-2 of one layer with random weights, by its names in Hugging Face folders or others. */
export function gpt2Tensors(names: Readonly<Record<string, string>>, turned: boolean): Tensors {
  const tensors: Tensors = {};
  const add = (name: string, ...dims: number[]) => {
    const own = turned && dims.length === 2 && name.startsWith('h.') ? dims.toReversed() : dims;
    tensors[names[name] ?? name] = {
      dims: own,
      values: randomFloats(
        dims.reduce((a, b) => a * b, 1),
        Object.keys(tensors).length,
      ),
    };
  };
  add('wte.weight', VOCABULARY, 8);
  add('wpe.weight', 64, 8);
  for (const [name, ...dims] of [
    ['attn.c_attn', 8, 24],
    ['attn.c_proj', 8, 8],
    ['mlp.c_fc', 8, 32],
    ['mlp.c_proj', 32, 8],
  ] as const) {
    add(`h.0.${name}.weight`, ...dims);
    add(`h.0.${name}.bias`, dims[1]);
  }
  for (const name of ['h.0.ln_1', 'h.0.ln_2', 'ln_f']) {
    add(`${name}.weight`, 8);
    add(`${name}.bias`, 8);
  }
  return tensors;
}

/** A folder with these files. */
export function folderOf(files: Readonly<Record<string, Uint8Array | object>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'dsnk-text-'));
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content instanceof Uint8Array ? content : JSON.stringify(content));
  return folder;
}
