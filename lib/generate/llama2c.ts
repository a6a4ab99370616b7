/**
 * Checkpoints of llama2.c: seven int32, then float32 weights in a fixed order; and its tokenizer file. The head is the embedding where the size of
 * the vocabulary is positive.
 */
import { dsnkError } from '../errors.js';
import { MAX_LAYERS } from './configuration.js';
import type { DecoderShape } from './decoder.js';
import { frequenciesOf } from './rotation.js';
import type { TensorEntry, WeightNames } from './tensors.js';

/** Named here: the file has positions only. */
export const llama2cNames: WeightNames = {
  embedding: 'embedding',
  attentionNorm: 'attentionNorm{}',
  query: 'query{}',
  key: 'key{}',
  value: 'value{}',
  attentionOutput: 'attentionOutput{}',
  feedNorm: 'feedNorm{}',
  gate: 'gate{}',
  down: 'down{}',
  up: 'up{}',
  finalNorm: 'finalNorm',
  head: 'head',
};

const HEADER_BYTES = 28;

export function parseLlama2c(bytes: Uint8Array, where: string): { readonly shape: DecoderShape; readonly tensors: readonly TensorEntry[] } {
  const invalid = (mustHold: string, came: string) => dsnkError('ERR_DSNK_INVALID_MODEL', where, mustHold, came);
  if (bytes.length < HEADER_BYTES) throw invalid('a checkpoint must begin with seven sizes', `it has ${bytes.length} bytes`);
  const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const sizes = Array.from({ length: 7 }, (_, i) => header.getInt32(4 * i, true));
  const [width, hidden, layers, heads, keyHeads, signed, context] = sizes as [number, number, number, number, number, number, number];
  const vocabulary = Math.abs(signed);
  const positive = [width, hidden, layers, heads, keyHeads, vocabulary, context].every((n) => n > 0 && n <= 2 ** 24);
  if (!positive || layers > MAX_LAYERS || width % (2 * heads) !== 0 || heads % keyHeads !== 0)
    throw invalid('sizes must be those of a decoder (width, hidden, layers, heads, key heads, vocabulary, context)', `${sizes} came`);
  const headWidth = width / heads;
  const tensors: TensorEntry[] = [];
  let at = HEADER_BYTES;
  const take = (name: string, ...dims: number[]) => {
    const begin = at;
    at += 4 * dims.reduce((a, b) => a * b, 1);
    tensors.push({ name: `${name}.weight`, dims, type: 'F32', dtype: 'float32', begin, end: at });
  };
  const each = (role: string, ...dims: number[]) => {
    for (let i = 0; i < layers; i++) take(`${role}${i}`, ...dims);
  };
  const narrow = keyHeads * headWidth;
  take('embedding', vocabulary, width);
  each('attentionNorm', width);
  each('query', width, width);
  each('key', narrow, width);
  each('value', narrow, width);
  each('attentionOutput', width, width);
  each('feedNorm', width);
  each('gate', hidden, width);
  each('down', width, hidden);
  each('up', hidden, width);
  take('finalNorm', width);
  at += 4 * context * headWidth; // cosines and sines, which nobody reads any more
  if (signed < 0) take('head', vocabulary, width);
  if (at !== bytes.length) throw invalid(`a checkpoint of these sizes must have ${at} bytes`, `it has ${bytes.length}`);
  return {
    shape: {
      architecture: 'llama',
      vocabulary,
      width,
      hidden,
      heads,
      keyHeads,
      headWidth,
      windows: Array.from({ length: layers }, () => 0),
      context,
      epsilon: 1e-5,
      rotation: { frequencies: frequenciesOf(headWidth, 10000), interleaved: true },
      gated: true,
    },
    tensors,
  };
}

/** Pieces with their scores, by number. */
export function parseLlama2cTokenizer(
  bytes: Uint8Array,
  count: number,
  where: string,
): { readonly pieces: readonly string[]; readonly scores: readonly number[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = new TextDecoder();
  const [pieces, scores]: [string[], number[]] = [[], []];
  for (let at = 4, i = 0; i < count; i++) {
    const left = bytes.length - at - 8;
    const length = left < 0 ? 0 : view.getInt32(at + 4, true);
    if (left < 0 || length < 0 || length > left)
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `it must have the ${count} tokens of the model`, `it ends within token ${i}`);
    scores.push(view.getFloat32(at, true));
    pieces.push(text.decode(bytes.subarray(at + 8, at + 8 + length)));
    at += 8 + length;
  }
  return { pieces, scores };
}
