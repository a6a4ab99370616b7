/** tokenizer.json, by the library of those who define it. */
import type { Tokenizer as Library } from '@huggingface/tokenizers';
import { dsnkError } from '../errors.js';
import { tokenizersPackage } from '../runtime/packages.js';
import type { Tokenizer } from './tokenizer.js';

export interface JsonTokenizerOptions {
  /** Tokens that end a text, beside the one that the tokenizer's own configuration names. */
  readonly ends: readonly number[];
  readonly where: string;
}

export function jsonTokenizer(definition: object, config: Readonly<Record<string, unknown>>, { ends, where }: JsonTokenizerOptions): Tokenizer {
  let library: Library;
  try {
    library = new (tokenizersPackage().Tokenizer)(definition, config);
    library.encode('a');
  } catch (cause) {
    if (!(cause instanceof Error) || 'code' in cause) throw cause;
    throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'tokenizer.json must be one that @huggingface/tokenizers reads', cause.message, cause);
  }
  const end = config['eos_token'];
  const name = typeof end === 'object' && end !== null ? (end as { content?: unknown }).content : end;
  const own = typeof name === 'string' ? library.token_to_id(name) : undefined;
  return {
    ends: new Set(own === undefined ? ends : [...ends, own]),
    encode: (text) => library.encode(text).ids,
    encodeWritten: (text) => library.encode(text, { add_special_tokens: false }).ids,
    decode: (tokens) => (tokens.length === 0 ? '' : library.decode([...tokens], { skip_special_tokens: true, clean_up_tokenization_spaces: false })),
  };
}
