/** The vocabulary in a GGUF file: pieces with scores (`llama`), or pairs of bytes in the order of their merges (`gpt2`). */
import { dsnkError, spelled } from '../errors.js';
import type { GgufValue } from './gguf.js';
import { jsonTokenizer } from './json-tokenizer.js';
import { PieceTokenizer } from './pieces.js';
import type { Tokenizer } from './tokenizer.js';

/** Values of tokenizer.ggml.token_type. */
const [UNKNOWN, CONTROL, USER_DEFINED] = [2, 3, 4];

const contractions = "'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]";
const wordsWith = (digits: string) =>
  `(?:${contractions})|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

/** How a text is cut into words, by tokenizer.ggml.pre; '' has GPT-2's own way. */
const cuts: Readonly<Record<string, string>> = {
  'gpt-2': '',
  default: '',
  'llama-bpe': wordsWith('\\p{N}{1,3}'),
  llama3: wordsWith('\\p{N}{1,3}'),
  qwen2: wordsWith('\\p{N}'),
  'deepseek-r1-qwen': wordsWith('\\p{N}'),
};

export function ggufTokenizer(metadata: ReadonlyMap<string, GgufValue>, count: number, where: string): Tokenizer {
  const get = (name: string) => metadata.get(`tokenizer.ggml.${name}`);
  const list = <T extends string | number>(name: string, kind: 'string' | 'number', size?: number): readonly T[] | undefined => {
    const v = get(name);
    if (v === undefined) return undefined;
    if (!Array.isArray(v) || (size !== undefined && v.length !== size) || !v.every((x) => typeof x === kind))
      throw dsnkError(
        'ERR_DSNK_INVALID_MODEL',
        where,
        `tokenizer.ggml.${name} must be ${size ?? 'some'} ${kind}s`,
        `${Array.isArray(v) ? v.length : spelled(v)} came`,
      );
    return v as unknown as readonly T[];
  };
  const tokens = list<string>('tokens', 'string', count);
  if (tokens === undefined) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'tokenizer.ggml.tokens must be there', 'it is missing');
  const types = list<number>('token_type', 'number', count);
  const token = (name: string): number | undefined => {
    const v = get(name);
    if (v !== undefined && !(typeof v === 'number' && Number.isInteger(v) && v >= 0 && v < count))
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `tokenizer.ggml.${name} must be a token`, `${spelled(v)} came`);
    return v as number | undefined;
  };
  const ends = [token('eos_token_id'), token('eot_token_id')].filter((t) => t !== undefined);
  const model = get('model');
  const begin = token('bos_token_id');
  if (model === 'llama') {
    const scores = list<number>('scores', 'number', count) ?? tokens.map((_, i) => -i);
    const silent = new Set([...(types ?? []).keys()].filter((i) => types?.[i] === UNKNOWN || types?.[i] === CONTROL));
    const leadingSpace = get('add_space_prefix') !== false;
    const pieces = tokens.map((t) => t.replaceAll('\u2581', ' '));
    return new PieceTokenizer(pieces, scores, {
      begin: get('add_bos_token') === false ? undefined : begin,
      ends,
      unknown: token('unknown_token_id') ?? 0,
      silent,
      leadingSpace,
    });
  }
  if (model !== 'gpt2') throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', where, 'tokenizer.ggml.model must be llama or gpt2', `${spelled(model)} came`);
  const pre = get('pre') ?? 'default';
  const cut = typeof pre === 'string' && Object.hasOwn(cuts, pre) ? cuts[pre] : undefined;
  if (cut === undefined)
    throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', where, `tokenizer.ggml.pre must be one of ${Object.keys(cuts).join(', ')}`, `${spelled(pre)} came`);
  const merges = list<string>('merges', 'string') ?? [];
  const front = get('add_bos_token') === true && begin !== undefined ? (tokens[begin] as string) : undefined;
  return jsonTokenizer(bytePairs(tokens, types ?? [], merges, cut, front, begin), {}, { ends, where });
}

/** The same as a tokenizer.json would say it. */
function bytePairs(
  tokens: readonly string[],
  types: readonly number[],
  merges: readonly string[],
  cut: string,
  front: string | undefined,
  begin: number | undefined,
): object {
  const special = [...types.keys()].filter((i) => types[i] === CONTROL || types[i] === USER_DEFINED);
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: cut === '' };
  const split = { type: 'Split', pattern: { Regex: cut }, behavior: 'Isolated', invert: false };
  const plain = { lstrip: false, rstrip: false, single_word: false, normalized: false };
  return {
    version: '1.0',
    added_tokens: special.map((id) => ({ id, content: tokens[id], special: types[id] === CONTROL, ...plain })),
    normalizer: null,
    pre_tokenizer: cut === '' ? byteLevel : { type: 'Sequence', pretokenizers: [split, byteLevel] },
    post_processor:
      front === undefined
        ? null
        : {
            type: 'TemplateProcessing',
            single: [{ SpecialToken: { id: front, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
            pair: [],
            special_tokens: { [front]: { id: front, ids: [begin], tokens: [front] } },
          },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      vocab: Object.fromEntries(tokens.map((t, i) => [t, i])),
      merges,
    },
  };
}
