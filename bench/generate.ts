/**
 * Text generation on a decoder of some 110 million random weights in Q4_0 (12 layers, width 768, vocabulary 32,000): time to load, a prompt of 512
 * tokens, single tokens, memory. `npm run bench:generate -- [threads] [file]`: the file is written where it is not there, for a peer to load too.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TextGenerator } from '../lib/index.js';
import { gguf, type Tensors } from '../test/generate/files.js';
import { mulberry32 } from '../test/kernels/harness.js';

const [LAYERS, WIDTH, HIDDEN, HEADS, VOCABULARY] = [12, 768, 2048, 12, 32_000];

function randomModel(): Uint8Array {
  const next = mulberry32(1);
  const words = new Uint32Array((VOCABULARY * WIDTH * 18) / 32 / 4);
  for (let i = 0; i < words.length; i++) words[i] = next() * 2 ** 32;
  const noise = new Uint8Array(words.buffer);
  const q4 = (rows: number, k: number) => {
    const bytes = noise.slice(0, (rows * k * 18) / 32);
    // Scales that leave rows of about unit length: float16 2^-3/√k.
    const exponent = Math.floor(Math.log2(0.125 / Math.sqrt(k))) + 15;
    for (let at = 0; at < bytes.length; at += 18) bytes[at + 1] = exponent << 2;
    return { dims: [rows, k], values: new Float32Array(), type: { gguf: 2, bytes } };
  };
  const ones = { dims: [WIDTH], values: new Float32Array(WIDTH).fill(1) };
  const tensors: Tensors = { 'token_embd.weight': q4(VOCABULARY, WIDTH), 'output_norm.weight': ones };
  for (let i = 0; i < LAYERS; i++) {
    const layer = (name: string) => `blk.${i}.${name}.weight`;
    for (const name of ['attn_q', 'attn_k', 'attn_v', 'attn_output']) tensors[layer(name)] = q4(WIDTH, WIDTH);
    for (const name of ['ffn_gate', 'ffn_up']) tensors[layer(name)] = q4(HIDDEN, WIDTH);
    tensors[layer('ffn_down')] = q4(WIDTH, HIDDEN);
    for (const name of ['attn_norm', 'ffn_norm']) tensors[layer(name)] = ones;
  }
  const tokens = ['<unk>', '<s>', '</s>', ...Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`)];
  while (tokens.length < VOCABULARY) tokens.push(`\u2581word${tokens.length}`);
  const metadata = {
    'general.architecture': 'llama',
    'llama.context_length': 2048,
    'llama.embedding_length': WIDTH,
    'llama.block_count': LAYERS,
    'llama.feed_forward_length': HIDDEN,
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
  };
  return gguf(metadata, tensors);
}

const threads = Number(process.argv[2] ?? 1);
const path = process.argv[3] ?? join(tmpdir(), 'dsnk-llama-110m-q4_0.gguf');
if (!existsSync(path)) writeFileSync(path, randomModel());
const rss = () => `${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`;
const before = rss();
const timed = async <T>(work: () => Promise<T>): Promise<readonly [number, T]> => {
  const start = performance.now();
  const result = await work();
  return [performance.now() - start, result];
};
const [loadMs, generator] = await timed(() => TextGenerator.load(path, { intraOpNumThreads: threads }));
console.log(`load ${loadMs.toFixed(0)} ms, weights ${(generator.session.report().weightBytes / 1e6).toFixed(1)} MB, RSS ${before} → ${rss()}`);
const prompt = (seed: number) => Array.from({ length: 512 }, (_, i) => 300 + ((i * 7919 + seed * 104_729) % 30_000));
const [firstMs] = await timed(() => generator.generate(prompt(1), { maxTokens: 1 }));
console.log(`512 tokens, with compiling ${firstMs.toFixed(0)} ms, weights ${(generator.session.report().weightBytes / 1e6).toFixed(1)} MB, RSS ${rss()}`);
const prefill: number[] = [];
for (let i = 0; i < 4; i++) prefill.push((await timed(() => generator.generate(prompt(i + 2), { maxTokens: 1 })))[0]);
console.log(`512 tokens: ${(512e3 / Math.min(...prefill)).toFixed(0)} tokens/s`);
const decode: number[] = [];
for (let i = 0; i < 3; i++) {
  const [ms, { tokens }] = await timed(() => generator.generate(prompt(5).slice(0, 16 + i), { maxTokens: 128, temperature: 1, seed: i }));
  decode.push((tokens.length / ms) * 1e3);
}
console.log(`single tokens: ${Math.max(...decode).toFixed(1)} tokens/s, RSS ${rss()}`);
await generator.release();
const eight = await TextGenerator.load(path, { intraOpNumThreads: threads, batch: 8, contextLength: 512 });
const prompts = Array.from({ length: 8 }, (_, i) => prompt(i).slice(0, 16));
await eight.generateAll(prompts, { maxTokens: 2 });
const [ms, texts] = await timed(() => eight.generateAll(prompts, { maxTokens: 64, temperature: 1, seed: 1 }));
console.log(`eight texts at a time: ${((texts.reduce((n, t) => n + t.tokens.length, 0) / ms) * 1e3).toFixed(1)} tokens/s`);
await eight.release();
