/** Folders as Hugging Face has them: config.json, safetensors in one file or in shards, tokenizer.json. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { dsnkError, spelled } from '../errors.js';
import { chatFormatOf } from './chat.js';
import { assertHeads, Configuration, type Json, layersOf } from './configuration.js';
import type { DecoderShape } from './decoder.js';
import { jsonTokenizer } from './json-tokenizer.js';
import { type FileEntries, ModelFile, tensorsOf } from './model-file.js';
import { stretched } from './rotation.js';
import { parseSafetensors } from './safetensors.js';
import { type FindTensor, gpt2Names, huggingFaceNames, Weights } from './tensors.js';
import type { TextModel } from './text-model.js';

const invalidFile = (path: string, mustHold: string, came: string, cause?: unknown) =>
  dsnkError('ERR_DSNK_INVALID_MODEL', `file "${path}"`, mustHold, came, cause);

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw invalidFile(path, 'it must be readable', (cause as Error).message, cause);
  }
}

function readJson(path: string, required = true): Json {
  if (!required && !existsSync(path)) return {};
  const text = readText(path);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  } catch (cause) {
    throw invalidFile(path, 'it must be JSON', (cause as Error).message, cause);
  }
  throw invalidFile(path, 'it must be an object', 'something else came');
}

const rotating = ['llama', 'mistral', 'qwen2', 'qwen3'];

export function shapeOfConfig(values: Json, where: string): DecoderShape {
  const c = new Configuration(values, where);
  const { model_type: architecture } = values;
  if (architecture === 'gpt2') return gpt2Shape(c);
  if (typeof architecture !== 'string' || !rotating.includes(architecture)) {
    throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', where, `model_type must be one of ${[...rotating, 'gpt2'].join(', ')}`, `${spelled(architecture)} came`);
  }
  if ((values['hidden_act'] ?? 'silu') !== 'silu')
    throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', where, 'hidden_act must be silu', `${spelled(values['hidden_act'])} came`);
  const [width, heads, layers] = [c.size('hidden_size'), c.size('num_attention_heads'), layersOf(c.size('num_hidden_layers'), where)];
  const [headWidth, context] = [c.size('head_dim', width / heads), c.size('max_position_embeddings')];
  const positions = c.object('rope_parameters') ?? {};
  const base = new Configuration({ ...values, ...positions }, where).number('rope_theta', 10000);
  const shape: DecoderShape = {
    architecture,
    vocabulary: c.size('vocab_size'),
    width,
    hidden: c.size('intermediate_size'),
    heads,
    keyHeads: c.size('num_key_value_heads', heads),
    headWidth,
    windows: windowsOf(c, architecture, layers),
    context,
    epsilon: c.number('rms_norm_eps', 1e-6),
    rotation: { ...stretched({ width: headWidth, base, context }, c.object('rope_scaling') ?? positions, where), interleaved: false },
    gated: true,
  };
  assertHeads(shape, where);
  return shape;
}

/** Mistral looks back on a window in every layer, Qwen in those that layer_types or max_window_layers name where use_sliding_window says so. */
function windowsOf(c: Configuration, architecture: string, layers: number): number[] {
  const given = c.values['sliding_window'] ?? null;
  const used = architecture === 'mistral' ? given !== null : c.flag('use_sliding_window') && given !== null;
  if (!used) return new Array<number>(layers).fill(0);
  const window = c.size('sliding_window');
  const types = c.values['layer_types'];
  const first = architecture === 'mistral' ? 0 : c.size('max_window_layers', layers);
  return Array.from({ length: layers }, (_, i) => ((Array.isArray(types) ? types[i] === 'sliding_attention' : i >= first) ? window : 0));
}

function gpt2Shape(c: Configuration): DecoderShape {
  const activation = c.values['activation_function'] ?? 'gelu_new';
  if (activation !== 'gelu_new' && activation !== 'gelu_pytorch_tanh')
    throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', c.where, 'activation_function must be gelu_new', `${spelled(activation)} came`);
  if (c.flag('scale_attn_by_inverse_layer_idx'))
    throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', c.where, 'scale_attn_by_inverse_layer_idx must be false', 'true came');
  const [width, heads] = [c.size('n_embd'), c.size('n_head')];
  if (width % heads !== 0) throw c.invalid('n_head', `a divisor of n_embd, ${width}`);
  return {
    architecture: 'gpt2',
    vocabulary: c.size('vocab_size'),
    width,
    hidden: c.size('n_inner', 4 * width),
    heads,
    keyHeads: heads,
    headWidth: width / heads,
    windows: new Array<number>(layersOf(c.size('n_layer'), c.where)).fill(0),
    context: c.size('n_positions', 1024),
    epsilon: c.number('layer_norm_epsilon', 1e-5),
    rotation: undefined,
    gated: false,
  };
}

export async function loadFolder(folder: string): Promise<TextModel> {
  const where = `model "${folder}"`;
  const config = readJson(join(folder, 'config.json'));
  const shape = shapeOfConfig(config, where);
  const generation = readJson(join(folder, 'generation_config.json'), false);
  const naming = readJson(join(folder, 'tokenizer_config.json'), false);
  const chat = chatFormatOf(naming['chat_template'] ?? templateIn(folder), naming, where);
  const tokenizer = jsonTokenizer(readJson(join(folder, 'tokenizer.json')), naming, {
    ends: [config['eos_token_id'], generation['eos_token_id']].flat().filter((t): t is number => Number.isInteger(t)),
    where,
  });
  const files: ModelFile[] = [];
  const free = () => {
    for (const file of files) file.free();
  };
  try {
    const tensors: FileEntries = new Map();
    for (const name of shardsOf(folder, where)) {
      const file = await ModelFile.read(join(folder, name));
      files.push(file);
      for (const entry of parseSafetensors(file.bytes, `file "${file.path}"`)) tensors.set(entry.name, { file, entry });
    }
    return { shape, weights: weightsOf(folder, shape, tensorsOf(tensors), config), tokenizer, chat, free };
  } catch (error) {
    free();
    throw error;
  }
}

/** Newer folders have the template in a file of its own. */
function templateIn(folder: string): string | undefined {
  const path = join(folder, 'chat_template.jinja');
  return existsSync(path) ? readText(path) : undefined;
}

function weightsOf(folder: string, shape: DecoderShape, find: FindTensor, config: Json): Weights {
  const name = basename(folder);
  if (shape.rotation === undefined) return new Weights(name, gpt2Names(find('transformer.wte.weight') === undefined ? '' : 'transformer.'), find, true);
  // A file may carry a head that its configuration says is the embedding.
  const tied = config['tie_word_embeddings'] === true;
  return new Weights(name, tied ? { ...huggingFaceNames, head: undefined } : huggingFaceNames, find);
}

/** model.safetensors, or the files that model.safetensors.index.json names: files of this folder only. */
function shardsOf(folder: string, where: string): string[] {
  const index = join(folder, 'model.safetensors.index.json');
  if (!existsSync(index)) return ['model.safetensors'];
  const map = readJson(index)['weight_map'];
  const names = typeof map === 'object' && map !== null ? [...new Set(Object.values(map))] : [];
  for (const name of names) {
    if (typeof name !== 'string' || basename(name) !== name || !name.endsWith('.safetensors'))
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'weight_map must name safetensors files of the folder', `${spelled(name)} came`);
  }
  if (names.length === 0) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'weight_map must name files', 'none came');
  return names as string[];
}
