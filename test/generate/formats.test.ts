/** Headers that lie: every mutation of a small file is read or refused with a typed error, quickly, and nothing is made on its word. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseGguf } from '../../lib/generate/gguf.js';
import { shapeOfGguf } from '../../lib/generate/gguf-model.js';
import { ggufTokenizer } from '../../lib/generate/gguf-tokenizer.js';
import { shapeOfConfig } from '../../lib/generate/hugging-face.js';
import { parseLlama2c, parseLlama2cTokenizer } from '../../lib/generate/llama2c.js';
import { parseSafetensors } from '../../lib/generate/safetensors.js';
import { DsnkError, TextGenerator } from '../../lib/index.js';
import { mulberry32 } from '../kernels/harness.js';
import { gguf, type Meta, randomTensors, safetensors } from './files.js';

const folder = mkdtempSync(join(tmpdir(), 'dsnk-formats-'));
afterAll(() => rmSync(folder, { recursive: true }));

const random = randomTensors(1);
const small = safetensors({ a: random([2, 3]), b: random([4]), c: random([1, 2, 2]) });

const metadata: Record<string, Meta> = {
  'general.architecture': 'llama',
  'general.alignment': 32,
  'llama.context_length': 16,
  'llama.embedding_length': 8,
  'llama.block_count': 1,
  'llama.feed_forward_length': 8,
  'llama.attention.head_count': 2,
  'llama.attention.layer_norm_rms_epsilon': 0.5,
  'tokenizer.ggml.model': 'llama',
  'tokenizer.ggml.tokens': ['<unk>', 'a', 'b', '\u2581a'],
  'tokenizer.ggml.scores': [0.5, -1, -2, -3],
  'tokenizer.ggml.token_type': [2, 1, 1, 1],
  'tokenizer.ggml.bos_token_id': 1,
  'tokenizer.ggml.add_bos_token': true,
};
const tiny = gguf(metadata, { 'token_embd.weight': random([4, 8]), 'output_norm.weight': random([8]), 'blk.0.attn_q.weight': random([8, 8]) });

/** One to three changes: bytes, digits, lengths, cuts, doubled stretches. */
function mutated(bytes: Uint8Array, next: () => number, head: number): Uint8Array {
  let copy = bytes.slice();
  const extremes = [0, 1, 2, 7, 0x7f, 0x80, 0xff];
  for (let i = 1 + Math.floor(3 * next()); i > 0; i--) {
    const place = Math.floor(Math.min(head, copy.length) * next());
    const digits = [...copy.subarray(0, head).keys()].filter((at) => (copy[at] as number) >= 48 && (copy[at] as number) <= 57);
    switch (Math.floor(9 * next())) {
      case 0:
        copy[place] = Math.floor(256 * next());
        break;
      case 1:
        copy[place] = extremes[Math.floor(extremes.length * next())] as number;
        break;
      case 2:
        copy.fill(0xff, place, place + 1 + Math.floor(8 * next()));
        break;
      case 3:
        copy = copy.slice(0, Math.floor(copy.length * next()));
        break;
      case 4:
        copy = new Uint8Array([...copy.subarray(0, place), ...copy.subarray(place + 1)]);
        break;
      case 5:
        copy = new Uint8Array([...copy.subarray(0, place), ...copy.subarray(Math.max(0, place - 9), place), ...copy.subarray(place)]);
        break;
      default:
        // Another number in a text that stays one.
        if (digits.length > 0) copy[digits[Math.floor(digits.length * next())] as number] = 48 + Math.floor(10 * next());
    }
  }
  return copy;
}

function fuzz(bytes: Uint8Array, head: number, read: (bytes: Uint8Array) => void): { read: number; refused: number; slowestMs: number } {
  const next = mulberry32(42);
  const seen = { read: 0, refused: 0, slowestMs: 0 };
  for (let i = 0; i < 20_000; i++) {
    const damaged = mutated(bytes, next, head);
    const start = performance.now();
    try {
      read(damaged);
      seen.read++;
    } catch (error) {
      if (!(error instanceof DsnkError)) throw new Error(`mutation ${i}: ${error instanceof Error ? error.stack : error}`);
      seen.refused++;
    }
    seen.slowestMs = Math.max(seen.slowestMs, performance.now() - start);
  }
  return seen;
}

describe('20,000 mutations', () => {
  it('of a safetensors file', () => {
    const seen = fuzz(small, 200, (bytes) => {
      for (const t of parseSafetensors(bytes, 'file')) {
        expect(t.begin).toBeLessThanOrEqual(t.end);
        expect(t.end).toBeLessThanOrEqual(bytes.length);
      }
    });
    expect(seen.read).toBeGreaterThan(100);
    expect(seen.refused).toBeGreaterThan(10_000);
    expect(seen.slowestMs).toBeLessThan(500);
  }, 60_000);

  it('of a GGUF file', () => {
    const seen = fuzz(tiny, tiny.length, (bytes) => {
      const { metadata: pairs, tensors } = parseGguf(bytes, 'file');
      for (const t of tensors) {
        expect(t.begin).toBeLessThanOrEqual(t.end);
        expect(t.end).toBeLessThanOrEqual(bytes.length);
      }
      const { shape } = shapeOfGguf(pairs, tensors, 'file');
      ggufTokenizer(pairs, shape.vocabulary, 'file').encode('ab a');
    });
    expect(seen.read).toBeGreaterThan(1000);
    expect(seen.refused).toBeGreaterThan(5000);
    expect(seen.slowestMs).toBeLessThan(500);
  }, 60_000);
});

describe('safetensors', () => {
  const write = (header: object, bytes = 64) => {
    const text = new TextEncoder().encode(JSON.stringify(header));
    const file = new Uint8Array(8 + text.length + bytes);
    new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
    file.set(text, 8);
    return file;
  };
  const entry = (shape: unknown, offsets: unknown, dtype: unknown = 'F32') => ({ dtype, shape, data_offsets: offsets });
  it.each([
    ['the header must lie inside the file', new Uint8Array(9).fill(255)],
    ['the header must be an object', write([1])],
    ['must not overlap', write({ a: entry([4], [0, 16]), b: entry([4], [12, 28]) })],
    ['must have 16 bytes, 12 came', write({ a: entry([4], [0, 12]) })],
    ['must lie in the 64 bytes', write({ a: entry([20], [0, 80]) })],
    ['must lie in the 64 bytes', write({ a: entry([4], [16, 0]) })],
    ['shape must be a list of sizes', write({ a: entry([-1], [0, 16]) })],
    ['less than 2\\^44 elements', write({ a: entry([2 ** 30, 2 ** 30], [0, 16]) })],
    ['dtype must be a name', write({ a: entry([4], [0, 16], 7) })],
  ])('refuses: %s', (message, bytes) => {
    expect(() => parseSafetensors(bytes, 'file "x"')).toThrow(new RegExp(`file "x".*${message}`));
  });
  it('reads what nobody asks for as well', () => {
    const [t] = parseSafetensors(write({ __metadata__: { format: 'pt' }, a: entry([3], [0, 24], 'I64') }), 'file');
    expect(t).toMatchObject({ name: 'a', type: 'I64', dtype: undefined });
  });
});

describe('GGUF', () => {
  const changed = (change: Record<string, Meta>) => gguf({ ...metadata, ...change }, { 'token_embd.weight': random([4, 8]) });
  const shape = (change: Record<string, Meta>) => {
    const { metadata: pairs, tensors } = parseGguf(changed(change), 'file');
    return shapeOfGguf(pairs, tensors, 'file');
  };
  it('names what it does not know', () => {
    expect(() => shape({ 'general.architecture': 'mamba' })).toThrow(/general\.architecture must be one of llama, .*, "mamba" came/);
    expect(() => shape({ 'llama.rope.scaling.type': 'yarn' })).toThrow(/rope\.scaling\.type must be none or linear, "yarn" came/);
    const pairs = parseGguf(changed({ 'tokenizer.ggml.model': 'bert' }), 'file').metadata;
    expect(() => ggufTokenizer(pairs, 4, 'file')).toThrow(/tokenizer\.ggml\.model must be llama or gpt2, "bert" came/);
    const other = parseGguf(changed({ 'tokenizer.ggml.model': 'gpt2', 'tokenizer.ggml.pre': 'viking' }), 'file').metadata;
    expect(() => ggufTokenizer(other, 4, 'file')).toThrow(/tokenizer\.ggml\.pre must be one of .*, "viking" came/);
  });
  it('names a type of weights that it does not read', async () => {
    const path = join(folder, 'q5.gguf');
    writeFileSync(path, gguf(metadata, { 'token_embd.weight': { ...random([4, 8]), type: { gguf: 6, bytes: new Uint8Array(32) } } }));
    await expect(TextGenerator.load(path)).rejects.toMatchObject({
      code: 'ERR_DSNK_UNSUPPORTED_OP',
      message: expect.stringMatching(/tensor "token_embd\.weight" of .*: its type must be one of F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q6_K, it is Q5_0/),
    });
  });
  it('names a tensor that is missing or has another shape', async () => {
    const path = join(folder, 'missing.gguf');
    writeFileSync(path, tiny);
    await expect(TextGenerator.load(path)).rejects.toThrow(/tensor "blk\.0\.attn_norm\.weight": it must be there/);
    writeFileSync(path, gguf({ ...metadata, 'llama.embedding_length': 16 }, { 'token_embd.weight': random([4, 8]) }));
    await expect(TextGenerator.load(path)).rejects.toThrow(
      /tensor "token_embd\.weight": its shape must be \[4,16\] by the model's configuration, it is \[4,8\]/,
    );
  });
});

describe('configurations', () => {
  const config = {
    model_type: 'llama',
    vocab_size: 8,
    hidden_size: 8,
    intermediate_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    max_position_embeddings: 8,
  };
  it.each([
    [{ model_type: 'bloom' }, /model_type must be one of llama, mistral, qwen2, qwen3, gpt2, "bloom" came/],
    [{ vocab_size: 0 }, /vocab_size must be a size, 0 came/],
    [{ num_hidden_layers: 1e6 }, /layers must be 1000 at most/],
    [{ num_key_value_heads: 3 }, /must share key heads evenly/],
    [{ rope_scaling: { rope_type: 'dynamic', factor: 2 } }, /rope_scaling must be of type linear, llama3 or yarn, "dynamic" came/],
    [{ rope_scaling: { rope_type: 'yarn', factor: '2' } }, /rope_scaling\.factor must be a positive number, "2" came/],
    [{ hidden_act: 'relu' }, /hidden_act must be silu/],
  ])('%j', (change, message) => {
    expect(() => shapeOfConfig({ ...config, ...change }, 'model')).toThrow(message);
  });
});

describe('llama2.c', () => {
  it('has exactly the bytes that its sizes say', () => {
    const bytes = new Uint8Array(28);
    new Int32Array(bytes.buffer).set([8, 8, 1, 2, 1, 4, 4]);
    expect(() => parseLlama2c(bytes, 'model')).toThrow(/a checkpoint of these sizes must have \d+ bytes, it has 28/);
    new Int32Array(bytes.buffer).set([8, 8, 1, 3, 1, 4, 4]);
    expect(() => parseLlama2c(bytes, 'model')).toThrow(/sizes must be those of a decoder/);
    expect(() => parseLlama2c(new Uint8Array(5), 'model')).toThrow(/must begin with seven sizes/);
    expect(() => parseLlama2cTokenizer(new Uint8Array(20), 4, 'tokenizer')).toThrow(/must have the 4 tokens/);
  });
});
