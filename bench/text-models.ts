/** Decoders of random weights as GGUF files: what is timed depends on sizes, not on what the weights say. */
import { gguf, type Tensors, type Written } from '../test/generate/files.js';
import { mulberry32 } from '../test/kernels/harness.js';

const [LAYERS, WIDTH, HEADS] = [12, 768, 12];

/** Blocks of one of GGUF's types: bytes of a block of 32, where its scale stands, the scale that leaves rows of about unit length. */
const blocks = { q4_0: { gguf: 2, bytes: 18, unit: 0.125 }, q8_0: { gguf: 8, bytes: 34, unit: 1 / 128 } } as const;

class RandomWeights {
  readonly tensors: Tensors = {};
  readonly #noise: Uint8Array;

  constructor(
    readonly type: keyof typeof blocks,
    most: number,
  ) {
    const next = mulberry32(1);
    const words = new Uint32Array((most * blocks[type].bytes) / 32 / 4);
    for (let i = 0; i < words.length; i++) words[i] = next() * 2 ** 32;
    this.#noise = new Uint8Array(words.buffer);
  }

  matrix(name: string, rows: number, k: number): void {
    const { gguf: type, bytes: size, unit } = blocks[this.type];
    const bytes = this.#noise.slice(0, (rows * k * size) / 32);
    const exponent = Math.floor(Math.log2(unit / Math.sqrt(k))) + 15;
    for (let at = 0; at < bytes.length; at += size) bytes[at + 1] = Math.max(exponent, 1) << 2;
    this.tensors[name] = { dims: [rows, k], values: new Float32Array(), type: { gguf: type, bytes } } satisfies Written;
  }

  vector(name: string, size: number, value: number): void {
    this.tensors[name] = { dims: [size], values: new Float32Array(size).fill(value) };
  }
}

/** Some 110 million weights in Q4_0: 12 layers of width 768, vocabulary 32,000. */
export function llama110m(): Uint8Array {
  const [hidden, vocabulary] = [2048, 32_000];
  const w = new RandomWeights('q4_0', vocabulary * WIDTH);
  w.matrix('token_embd.weight', vocabulary, WIDTH);
  w.vector('output_norm.weight', WIDTH, 1);
  for (let i = 0; i < LAYERS; i++) {
    const layer = (name: string) => `blk.${i}.${name}.weight`;
    for (const name of ['attn_q', 'attn_k', 'attn_v', 'attn_output']) w.matrix(layer(name), WIDTH, WIDTH);
    for (const name of ['ffn_gate', 'ffn_up']) w.matrix(layer(name), hidden, WIDTH);
    w.matrix(layer('ffn_down'), WIDTH, hidden);
    for (const name of ['attn_norm', 'ffn_norm']) w.vector(layer(name), WIDTH, 1);
  }
  const tokens = ['<unk>', '<s>', '</s>', ...Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`)];
  while (tokens.length < vocabulary) tokens.push(`\u2581word${tokens.length}`);
  return gguf(
    {
      'general.architecture': 'llama',
      'llama.context_length': 2048,
      'llama.embedding_length': WIDTH,
      'llama.block_count': LAYERS,
      'llama.feed_forward_length': hidden,
      'llama.attention.head_count': HEADS,
      'llama.attention.head_count_kv': HEADS,
      'llama.attention.layer_norm_rms_epsilon': 1.0000000000000001e-5,
      'llama.rope.dimension_count': WIDTH / HEADS,
      'tokenizer.ggml.model': 'llama',
      'tokenizer.ggml.tokens': tokens,
      'tokenizer.ggml.scores': tokens.map((_, i) => -i - 0.5),
      'tokenizer.ggml.token_type': tokens.map((_, i) => (i === 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1)),
      'tokenizer.ggml.bos_token_id': 1,
      'tokenizer.ggml.eos_token_id': 2,
    },
    w.tensors,
  );
}

/** The shape of GPT-2's smallest model, 124 million weights, in Q8_0; with the bytes that it has in float32. */
export function gpt2Small(): { readonly bytes: Uint8Array; readonly floatBytes: number } {
  const [hidden, vocabulary, context] = [4 * WIDTH, 50_257, 1024];
  const w = new RandomWeights('q8_0', vocabulary * WIDTH);
  w.matrix('token_embd.weight', vocabulary, WIDTH);
  w.matrix('position_embd.weight', context, WIDTH);
  const norm = (name: string) => {
    w.vector(`${name}.weight`, WIDTH, 1);
    w.vector(`${name}.bias`, WIDTH, 0);
  };
  norm('output_norm');
  for (let i = 0; i < LAYERS; i++) {
    for (const [name, rows, k] of [
      ['attn_qkv', 3 * WIDTH, WIDTH],
      ['attn_output', WIDTH, WIDTH],
      ['ffn_up', hidden, WIDTH],
      ['ffn_down', WIDTH, hidden],
    ] as const) {
      w.matrix(`blk.${i}.${name}.weight`, rows, k);
      w.vector(`blk.${i}.${name}.bias`, rows, 0);
    }
    norm(`blk.${i}.attn_norm`);
    norm(`blk.${i}.ffn_norm`);
  }
  const tokens = Array.from({ length: vocabulary }, (_, i) =>
    i < 95 ? (i === 0 ? '\u0120' : String.fromCharCode(32 + i)) : i === vocabulary - 1 ? '<end>' : `word${i}`,
  );
  const bytes = gguf(
    {
      'general.architecture': 'gpt2',
      'gpt2.context_length': context,
      'gpt2.embedding_length': WIDTH,
      'gpt2.block_count': LAYERS,
      'gpt2.feed_forward_length': hidden,
      'gpt2.attention.head_count': HEADS,
      'gpt2.attention.layer_norm_epsilon': 1.0000000000000001e-5,
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.tokens': tokens,
      'tokenizer.ggml.token_type': tokens.map((_, i) => (i === vocabulary - 1 ? 3 : 1)),
      'tokenizer.ggml.merges': [],
      'tokenizer.ggml.eos_token_id': vocabulary - 1,
    },
    w.tensors,
  );
  const floatBytes = Object.values(w.tensors).reduce((sum, t) => sum + 4 * t.dims.reduce((a, b) => a * b, 1), 0);
  return { bytes, floatBytes };
}
