/** GGUF files as decoders: the metadata says what it is and how text becomes tokens. */
import { basename } from 'node:path';
import { dsnkError, spelled } from '../errors.js';
import { type ChatFormat, chatFormatOf } from './chat.js';
import { assertHeads, Configuration, layersOf } from './configuration.js';
import type { DecoderShape } from './decoder.js';
import { type GgufValue, parseGguf } from './gguf.js';
import { ggufTokenizer } from './gguf-tokenizer.js';
import { entriesOf, ModelFile, tensorsOf } from './model-file.js';
import { frequenciesOf } from './rotation.js';
import { ggufNames, type TensorEntry, Weights } from './tensors.js';
import type { TextModel } from './text-model.js';

const architectures = ['llama', 'qwen2', 'qwen3', 'gpt2'];

/** Files of Llama have their rows in the order of pairs (2i, 2i + 1). */
const interleaved = new Set(['llama']);

/** What rotary positions are made of, before the factors that a file may have as a tensor. */
interface Angles {
  readonly base: number;
  /** Steps are that much shorter. */
  readonly stretch: number;
  /** Elements of a head that are turned. */
  readonly width: number;
}

export interface GgufShape {
  readonly shape: Omit<DecoderShape, 'rotation'>;
  readonly angles: Angles | undefined;
}

export function shapeOfGguf(metadata: ReadonlyMap<string, GgufValue>, tensors: readonly TensorEntry[], where: string): GgufShape {
  const architecture = metadata.get('general.architecture');
  if (typeof architecture !== 'string' || !architectures.includes(architecture))
    throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', where, `general.architecture must be one of ${architectures.join(', ')}`, `${spelled(architecture)} came`);
  const own = new Map([...metadata].filter(([key]) => key.startsWith(`${architecture}.`)).map(([key, v]) => [key.slice(architecture.length + 1), v]));
  const c = new Configuration(Object.fromEntries(own), where);
  const [width, heads] = [c.size('embedding_length'), c.size('attention.head_count')];
  const headWidth = c.size('attention.key_length', width / heads);
  if (c.size('attention.value_length', headWidth) !== headWidth) throw c.invalid('attention.value_length', `that of keys, ${headWidth}`);
  const gated = architecture !== 'gpt2';
  const vocabulary = tensors.find((t) => t.name === 'token_embd.weight')?.dims[0];
  if (vocabulary === undefined) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'tensor "token_embd.weight" must be there', 'the file has none of this name');
  const scaling = c.values['rope.scaling.type'] ?? 'none';
  if (scaling !== 'none' && scaling !== 'linear')
    throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', where, 'rope.scaling.type must be none or linear', `${spelled(scaling)} came`);
  const layers = layersOf(c.size('block_count'), where);
  const window = c.values['attention.sliding_window'] === undefined ? 0 : c.size('attention.sliding_window');
  const turned = c.size('rope.dimension_count', headWidth);
  if (turned > headWidth || turned % 2 !== 0) throw c.invalid('rope.dimension_count', `even and ${headWidth} at most`);
  return {
    shape: {
      architecture,
      vocabulary,
      width,
      hidden: c.size('feed_forward_length'),
      heads,
      keyHeads: c.size('attention.head_count_kv', heads),
      headWidth,
      windows: new Array<number>(layers).fill(window),
      context: c.size('context_length'),
      epsilon: c.number(gated ? 'attention.layer_norm_rms_epsilon' : 'attention.layer_norm_epsilon', 1e-5),
      gated,
    },
    angles: gated
      ? { base: c.number('rope.freq_base', 10000), stretch: scaling === 'linear' ? c.number('rope.scaling.factor', 1) : 1, width: turned }
      : undefined,
  };
}

export async function loadGguf(path: string): Promise<TextModel> {
  const where = `model "${path}"`;
  const file = await ModelFile.read(path);
  try {
    const { metadata, tensors } = parseGguf(file.bytes, where);
    const { shape: rest, angles } = shapeOfGguf(metadata, tensors, where);
    const find = tensorsOf(entriesOf(file, tensors));
    const weights = new Weights(basename(path), ggufNames, find);
    const rotation = angles && { frequencies: frequenciesIn(weights, angles), interleaved: interleaved.has(rest.architecture) };
    const shape: DecoderShape = { ...rest, rotation };
    assertHeads(shape, where);
    return { shape, weights, tokenizer: ggufTokenizer(metadata, shape.vocabulary, where), chat: chatIn(metadata, where), free: file.free };
  } catch (error) {
    file.free();
    throw error;
  }
}

function chatIn(metadata: ReadonlyMap<string, GgufValue>, where: string): ChatFormat | undefined {
  const tokens = metadata.get('tokenizer.ggml.tokens');
  const text = (name: string) => (Array.isArray(tokens) ? tokens[metadata.get(`tokenizer.ggml.${name}_token_id`) as number] : undefined);
  const names = { bos_token: text('bos'), eos_token: text('eos'), unk_token: text('unknown'), pad_token: text('padding') };
  return chatFormatOf(metadata.get('tokenizer.chat_template'), names, where);
}

/** Divided by what stretches all alike, and by what the file has for each. */
function frequenciesIn(weights: Weights, { base, stretch, width }: Angles): Float32Array {
  const frequencies = frequenciesOf(width, base);
  const factors = weights.has('ropeFactors') ? weights.get('ropeFactors', undefined, [frequencies.length]).constant.values() : undefined;
  return frequencies.map((f, i) => f / stretch / (factors?.[i] ?? 1));
}
