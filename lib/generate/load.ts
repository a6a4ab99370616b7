/** A model for text from a file or folder: what decoder it is, its weights, its tokenizer. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { dsnkError } from '../errors.js';
import { loadGguf } from './gguf-model.js';
import { loadFolder } from './hugging-face.js';
import { llama2cNames, parseLlama2c, parseLlama2cTokenizer } from './llama2c.js';
import { entriesOf, ModelFile, tensorsOf } from './model-file.js';
import { PieceTokenizer } from './pieces.js';
import { Weights } from './tensors.js';
import type { TextModel } from './text-model.js';
import type { Tokenizer } from './tokenizer.js';

export async function loadTextModel(path: string, tokenizer: string | undefined): Promise<TextModel> {
  if (!existsSync(path)) throw dsnkError('ERR_DSNK_INVALID_MODEL', `model "${path}"`, 'it must be a folder or a file', 'it is not there');
  if (statSync(path).isDirectory()) return loadFolder(path);
  if (extname(path) === '.gguf') return loadGguf(path);
  if (extname(path) === '.bin') return loadLlama2c(path, tokenizer);
  throw dsnkError(
    'ERR_DSNK_UNSUPPORTED_OP',
    `model "${path}"`,
    'it must be a folder of Hugging Face, a .gguf file or a .bin file of llama2.c',
    'another file came',
  );
}

async function loadLlama2c(path: string, given: string | undefined): Promise<TextModel> {
  const file = await ModelFile.read(path);
  try {
    const { shape, tensors } = parseLlama2c(file.bytes, `model "${path}"`);
    const weights = new Weights(path, llama2cNames, tensorsOf(entriesOf(file, tensors)));
    return { shape, weights, tokenizer: await llama2cTokenizer(path, shape.vocabulary, given), free: file.free };
  } catch (error) {
    file.free();
    throw error;
  }
}

const [UNKNOWN, BEGIN, END] = [0, 1, 2];

/** The tokenizer named, or one beside the model: `<model>_tok<size>.bin`, `tok<size>.bin`, `tokenizer.bin`. */
export async function llama2cTokenizer(model: string, count: number, given: string | undefined): Promise<Tokenizer> {
  const names = [`${basename(model, '.bin')}_tok${count}.bin`, `tok${count}.bin`, 'tokenizer.bin'];
  const path = given ?? names.map((name) => join(dirname(model), name)).find((p) => existsSync(p));
  if (path === undefined)
    throw dsnkError('ERR_DSNK_INVALID_MODEL', `model "${model}"`, `its tokenizer must stand beside it (${names.join(', ')})`, 'none is there');
  const file = await ModelFile.read(path);
  try {
    const { pieces, scores } = parseLlama2cTokenizer(file.bytes, count, `tokenizer "${path}"`);
    const silent = new Set([UNKNOWN, BEGIN, END]);
    return new PieceTokenizer(pieces, scores, { unknown: UNKNOWN, begin: BEGIN, ends: [BEGIN, END], silent, leadingSpace: true });
  } finally {
    file.free();
  }
}
