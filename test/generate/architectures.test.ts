/** Every architecture, from every kind of file it comes in, against plain loops: scores after each chunk of a prompt. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Tensor, TextGenerator } from '../../lib/index.js';
import { mulberry32 } from '../kernels/harness.js';
import {
  END,
  folderOf,
  gguf,
  type Meta,
  randomTensors,
  rounded,
  safetensors,
  type Tensors,
  tokenizerJson,
  VOCABULARY,
  tokens as vocabulary,
  type Written,
} from './files.js';
import { type Layer, type Matrix, type ReferenceModel, referenceScores } from './reference.js';

const [WIDTH, HIDDEN, LAYERS, CONTEXT] = [32, 48, 2, 64];

const matrix = ({ dims, values }: Written): Matrix => ({
  rows: dims[0] as number,
  columns: dims[1] as number,
  at: (i, j) => values[i * (dims[1] as number) + j] as number,
});
/** Stored as [inputs, outputs]. */
const flipped = (m: Matrix): Matrix => ({ rows: m.columns, columns: m.rows, at: (i, j) => m.at(j, i) });
const part = (m: Matrix, from: number, to: number): Matrix => ({ rows: to - from, columns: m.columns, at: (i, j) => m.at(from + i, j) });

interface Sample {
  readonly folder: string;
  readonly file: string;
  readonly model: ReferenceModel;
}

const folders: string[] = [];
const keep = (folder: string) => {
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const frequencies = (width: number, base: number) => Array.from({ length: width / 2 }, (_, i) => base ** ((-2 * i) / width));

interface Variant {
  readonly architecture: string;
  readonly heads: number;
  readonly keyHeads: number;
  readonly headWidth: number;
  readonly bias?: boolean;
  readonly norms?: boolean;
  readonly window?: number;
  readonly tied?: boolean;
  readonly base?: number;
  readonly config?: object;
  readonly stretch?: (f: number, pair: number) => number;
  readonly turnScale?: number;
}

/** Llama and its relatives; `name` gives a role's name in the file. */
function rotating(v: Variant, seed: number, name: (role: string, layer?: number) => string, interleaved: boolean): { tensors: Tensors; model: ReferenceModel } {
  const random = randomTensors(seed);
  const tensors: Tensors = {};
  const take = (dims: readonly number[], role: string, layer?: number, part = 'weight', middle = 0) =>
    (tensors[`${name(role, layer)}.${part}`] = random(dims, 0.3, middle));
  const [wide, narrow] = [v.heads * v.headWidth, v.keyHeads * v.headWidth];
  const embedding = take([VOCABULARY, WIDTH], 'embedding');
  const layers = Array.from({ length: LAYERS }, (_, i): Layer => {
    const of = (role: string, out: number, inputs: number) => matrix(take([out, inputs], role, i));
    const vector = (role: string, size: number) => take([size], role, i, 'weight', 1).values;
    const bias = (role: string, size: number) => (v.bias ? take([size], role, i, 'bias').values : undefined);
    const optional = (key: string, values: Float32Array | undefined) => (values === undefined ? {} : { [key]: values });
    return {
      attentionNorm: vector('attentionNorm', WIDTH),
      query: of('query', wide, WIDTH),
      key: of('key', narrow, WIDTH),
      value: of('value', narrow, WIDTH),
      ...optional('queryBias', bias('query', wide)),
      ...optional('keyBias', bias('key', narrow)),
      ...optional('valueBias', bias('value', narrow)),
      ...(v.norms ? { queryNorm: vector('queryNorm', v.headWidth), keyNorm: vector('keyNorm', v.headWidth) } : {}),
      output: of('output', WIDTH, wide),
      feedNorm: vector('feedNorm', WIDTH),
      gate: of('gate', HIDDEN, WIDTH),
      up: of('up', HIDDEN, WIDTH),
      down: of('down', WIDTH, HIDDEN),
    };
  });
  const finalNorm = take([WIDTH], 'finalNorm', undefined, 'weight', 1).values;
  const head = v.tied ? embedding : take([VOCABULARY, WIDTH], 'head');
  const { heads, keyHeads, headWidth, window = 0, base = 10000, stretch = (f: number) => f } = v;
  const angles = frequencies(headWidth, base).map(stretch);
  return {
    tensors,
    model: {
      heads,
      keyHeads,
      headWidth,
      epsilon: 1e-5,
      window,
      frequencies: angles,
      turnScale: v.turnScale ?? 1,
      interleaved,
      embedding: matrix(embedding),
      finalNorm,
      head: matrix(head),
      layers,
    },
  };
}

const huggingFace: Record<string, string> = {
  embedding: 'model.embed_tokens',
  attentionNorm: 'input_layernorm',
  query: 'self_attn.q_proj',
  key: 'self_attn.k_proj',
  value: 'self_attn.v_proj',
  queryNorm: 'self_attn.q_norm',
  keyNorm: 'self_attn.k_norm',
  output: 'self_attn.o_proj',
  feedNorm: 'post_attention_layernorm',
  gate: 'mlp.gate_proj',
  up: 'mlp.up_proj',
  down: 'mlp.down_proj',
  finalNorm: 'model.norm',
  head: 'lm_head',
};
const inGguf: Record<string, string> = {
  embedding: 'token_embd',
  attentionNorm: 'attn_norm',
  query: 'attn_q',
  key: 'attn_k',
  value: 'attn_v',
  queryNorm: 'attn_q_norm',
  keyNorm: 'attn_k_norm',
  output: 'attn_output',
  feedNorm: 'ffn_norm',
  gate: 'ffn_gate',
  up: 'ffn_up',
  down: 'ffn_down',
  finalNorm: 'output_norm',
  head: 'output',
};

function folderOfVariant(v: Variant, seed: number, dtype: 'F32' | 'F16' | 'BF16' = 'F32'): Sample {
  const { tensors, model } = rotating(
    v,
    seed,
    (role, i) => (i === undefined ? (huggingFace[role] as string) : `model.layers.${i}.${huggingFace[role]}`),
    false,
  );
  const config = {
    model_type: v.architecture,
    vocab_size: VOCABULARY,
    hidden_size: WIDTH,
    intermediate_size: HIDDEN,
    num_hidden_layers: LAYERS,
    num_attention_heads: v.heads,
    num_key_value_heads: v.keyHeads,
    head_dim: v.headWidth,
    max_position_embeddings: CONTEXT,
    rms_norm_eps: 1e-5,
    rope_theta: v.base ?? 10000,
    hidden_act: 'silu',
    tie_word_embeddings: v.tied ?? false,
    eos_token_id: END,
    ...v.config,
  };
  if (dtype !== 'F32') for (const t of Object.values(tensors)) t.values.set(rounded(t.values));
  // Two shards: the second half of the tensors stands in another file.
  const names = Object.keys(tensors);
  const half = (from: number, to: number) => Object.fromEntries(names.slice(from, to).map((n) => [n, tensors[n] as Written]));
  const middle = Math.ceil(names.length / 2);
  const folder = keep(
    folderOf({
      'config.json': config,
      'tokenizer.json': tokenizerJson,
      'model-1.safetensors': safetensors(half(0, middle), dtype),
      'model-2.safetensors': safetensors(half(middle, names.length), dtype),
      'model.safetensors.index.json': { weight_map: Object.fromEntries(names.map((n, i) => [n, i < middle ? 'model-1.safetensors' : 'model-2.safetensors'])) },
    }),
  );
  return { folder, file: folder, model };
}

const ggufTokens: Record<string, Meta> = {
  'tokenizer.ggml.model': 'gpt2',
  'tokenizer.ggml.tokens': vocabulary,
  'tokenizer.ggml.token_type': vocabulary.map((_, i) => (i === END ? 3 : 1)),
  'tokenizer.ggml.merges': [],
  'tokenizer.ggml.eos_token_id': END,
};

function ggufOfVariant(v: Variant, seed: number): Sample {
  const { tensors, model } = rotating(
    v,
    seed,
    (role, i) => (i === undefined ? (inGguf[role] as string) : `blk.${i}.${inGguf[role]}`),
    v.architecture === 'llama',
  );
  const a = v.architecture;
  const metadata: Record<string, Meta> = {
    'general.architecture': a,
    [`${a}.context_length`]: CONTEXT,
    [`${a}.embedding_length`]: WIDTH,
    [`${a}.block_count`]: LAYERS,
    [`${a}.feed_forward_length`]: HIDDEN,
    [`${a}.attention.head_count`]: v.heads,
    [`${a}.attention.head_count_kv`]: v.keyHeads,
    [`${a}.attention.key_length`]: v.headWidth,
    [`${a}.attention.layer_norm_rms_epsilon`]: 1.0000000000000001e-5,
    [`${a}.rope.freq_base`]: v.base ?? 10000,
    ...ggufTokens,
  };
  const folder = keep(folderOf({ 'model.gguf': gguf(metadata, tensors) }));
  return { folder, file: join(folder, 'model.gguf'), model };
}

/** GPT-2 with everything that has a bias; matrices as [inputs, outputs] in folders, as [outputs, inputs] in GGUF. */
function gpt2(form: 'folder' | 'gguf', seed: number): Sample {
  const random = randomTensors(seed);
  const tensors: Tensors = {};
  const inFolder = form === 'folder';
  const take = (name: string, dims: readonly number[], middle = 0) => (tensors[name] = random(dims, 0.3, middle));
  const layerName = (i: number, folder: string, file: string) => (inFolder ? `transformer.h.${i}.${folder}` : `blk.${i}.${file}`);
  const linear = (name: string, inputs: number, outputs: number) => {
    const m = matrix(take(`${name}.weight`, inFolder ? [inputs, outputs] : [outputs, inputs]));
    return { m: inFolder ? flipped(m) : m, bias: take(`${name}.bias`, [outputs]).values };
  };
  const normed = (name: string) => ({ scale: take(`${name}.weight`, [WIDTH], 1).values, bias: take(`${name}.bias`, [WIDTH]).values });
  const embedding = take(inFolder ? 'transformer.wte.weight' : 'token_embd.weight', [VOCABULARY, WIDTH]);
  const positions = take(inFolder ? 'transformer.wpe.weight' : 'position_embd.weight', [CONTEXT, WIDTH]);
  const layers = Array.from({ length: LAYERS }, (_, i): Layer => {
    const one = normed(layerName(i, 'ln_1', 'attn_norm'));
    const all = linear(layerName(i, 'attn.c_attn', 'attn_qkv'), WIDTH, 3 * WIDTH);
    const output = linear(layerName(i, 'attn.c_proj', 'attn_output'), WIDTH, WIDTH);
    const two = normed(layerName(i, 'ln_2', 'ffn_norm'));
    const up = linear(layerName(i, 'mlp.c_fc', 'ffn_up'), WIDTH, HIDDEN);
    const down = linear(layerName(i, 'mlp.c_proj', 'ffn_down'), HIDDEN, WIDTH);
    return {
      attentionNorm: one.scale,
      attentionNormBias: one.bias,
      query: part(all.m, 0, WIDTH),
      key: part(all.m, WIDTH, 2 * WIDTH),
      value: part(all.m, 2 * WIDTH, 3 * WIDTH),
      queryBias: all.bias.slice(0, WIDTH),
      keyBias: all.bias.slice(WIDTH, 2 * WIDTH),
      valueBias: all.bias.slice(2 * WIDTH),
      output: output.m,
      outputBias: output.bias,
      feedNorm: two.scale,
      feedNormBias: two.bias,
      up: up.m,
      upBias: up.bias,
      down: down.m,
      downBias: down.bias,
    };
  });
  const last = normed(inFolder ? 'transformer.ln_f' : 'output_norm');
  const config = {
    model_type: 'gpt2',
    vocab_size: VOCABULARY,
    n_embd: WIDTH,
    n_head: 4,
    n_layer: LAYERS,
    n_inner: HIDDEN,
    n_positions: CONTEXT,
    layer_norm_epsilon: 1e-5,
  };
  const metadata: Record<string, Meta> = {
    'general.architecture': 'gpt2',
    'gpt2.context_length': CONTEXT,
    'gpt2.embedding_length': WIDTH,
    'gpt2.block_count': LAYERS,
    'gpt2.feed_forward_length': HIDDEN,
    'gpt2.attention.head_count': 4,
    'gpt2.attention.layer_norm_epsilon': 1.0000000000000001e-5,
    ...ggufTokens,
  };
  const folder = keep(
    folderOf(
      inFolder
        ? { 'config.json': config, 'tokenizer.json': tokenizerJson, 'model.safetensors': safetensors(tensors) }
        : { 'model.gguf': gguf(metadata, tensors) },
    ),
  );
  return {
    folder,
    file: inFolder ? folder : join(folder, 'model.gguf'),
    model: {
      heads: 4,
      keyHeads: 4,
      headWidth: WIDTH / 4,
      epsilon: 1e-5,
      window: 0,
      frequencies: undefined,
      interleaved: false,
      embedding: matrix(embedding),
      positions: matrix(positions),
      finalNorm: last.scale,
      finalNormBias: last.bias,
      head: matrix(embedding),
      layers,
    },
  };
}

const llama: Variant = { architecture: 'llama', heads: 4, keyHeads: 2, headWidth: 8 };
const variants: Record<string, Variant> = {
  llama,
  'llama whose angles are stretched': {
    ...llama,
    config: { rope_scaling: { rope_type: 'llama3', factor: 4, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 16 } },
    stretch: (f) => {
      const share = Math.min(Math.max(((16 * f) / (2 * Math.PI) - 1) / 3, 0), 1);
      return share * f + ((1 - share) * f) / 4;
    },
  },
  'qwen2 with angles stretched by YaRN': {
    architecture: 'qwen2',
    heads: 4,
    keyHeads: 2,
    headWidth: 16,
    bias: true,
    base: 100,
    config: { rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 400 } },
    // Pair p turns 400·100^(-p/8)/2π times: 32 times between the first and the second, once between the seventh and the eighth.
    stretch: (f, pair) => (pair <= 1 ? f : f * (1 - ((pair - 1) / 7) * 0.75)),
    turnScale: 0.1 * Math.log(4) + 1,
  },
  'mistral with a window': { architecture: 'mistral', heads: 4, keyHeads: 1, headWidth: 8, window: 5, config: { sliding_window: 5 } },
  qwen2: { architecture: 'qwen2', heads: 4, keyHeads: 2, headWidth: 8, bias: true, tied: true, base: 1e6 },
  qwen3: { architecture: 'qwen3', heads: 4, keyHeads: 2, headWidth: 16, norms: true, tied: true, base: 1e6 },
};

/**
 * Each number goes through some 12 steps a layer, each a sum of at most 48 terms that rounds once a term, relative to the sum of
 * magnitudes; norms and softmax keep relative errors. Scores are sums of 32 terms of the same size.
 */
const tolerance = (scores: readonly number[]) => LAYERS * 12 * 48 * 2 ** -24 * Math.max(1, ...scores.map(Math.abs));

async function compare({ file, model }: Sample): Promise<void> {
  await using generator = await TextGenerator.load(file, { cache: 'float32' });
  const next = mulberry32(5);
  const text = Array.from({ length: 27 }, () => Math.floor(next() * END));
  let at = 0;
  for (const rows of [16, 4, 4, 1, 1, 1]) {
    const chunk = text.slice(at, at + rows);
    const { logits } = await generator.session.run({
      tokens: new Tensor('int64', BigInt64Array.from(chunk, BigInt), [1, rows]),
      lengths: new Tensor('int32', Int32Array.of(at), [1]),
      last: new Tensor('int64', BigInt64Array.of(BigInt(rows - 1)), [1, 1]),
    });
    const scores = logits?.data as Float32Array;
    at += rows;
    const expected = referenceScores(model, text.slice(0, at));
    const worst = expected.reduce((most, e, i) => Math.max(most, Math.abs(e - (scores[i] as number))), 0);
    expect(worst, `after ${at} tokens`).toBeLessThanOrEqual(tolerance(expected));
  }
  // The generator goes the same way.
  const { tokens } = await generator.generate(text, { maxTokens: 5 });
  const expected: number[] = [];
  while (expected.length < tokens.length) {
    const scores = referenceScores(model, [...text, ...expected]);
    expected.push(scores.indexOf(Math.max(...scores)));
  }
  expect(tokens).toEqual(expected);
  expect(generator.decode(generator.encode('to be, or not'))).toBe('to be, or not');
}

describe('folders of Hugging Face', () => {
  it.each(Object.entries(variants))('%s', async (name, variant) => compare(folderOfVariant(variant, name.length)));
  it.each(['F16', 'BF16'] as const)('weights in %s', async (dtype) => compare(folderOfVariant({ ...llama, tied: true }, 8, dtype)));
  it('gpt2', async () => compare(gpt2('folder', 3)));
});

describe('GGUF', () => {
  it.each(Object.entries(variants).filter(([, v]) => v.window === undefined && v.stretch === undefined))('%s', async (name, variant) =>
    compare(ggufOfVariant(variant, 50 + name.length)),
  );
  it('gpt2', async () => compare(gpt2('gguf', 4)));
});
