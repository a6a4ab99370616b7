/** Vocabularies of GGUF files: the same tokens as from a tokenizer.json of the same vocabulary, which its own library reads. */
import { describe, expect, it } from 'vitest';
import type { GgufValue } from '../../lib/generate/gguf.js';
import { ggufTokenizer } from '../../lib/generate/gguf-tokenizer.js';
import { jsonTokenizer } from '../../lib/generate/json-tokenizer.js';
import { TextStream } from '../../lib/generate/tokenizer.js';

/** What a byte is written as in such vocabularies: printable ones as they are, others from 256 on. */
const bytes = (() => {
  const printable = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(printable(b) ? b : next++));
})();
const merges = ['h e', 'l l', 'he ll', '\u0120 w', 'o r', '\u0120w or', '1 2', '12 3', 'hell o', '! !', '\u010a \u010a'];
const tokens = [...bytes, ...merges.map((m) => m.replace(' ', '')), '<s>', '<|end|>', '<tool>'];
const id = (t: string) => tokens.indexOf(t);
const end = id('<|end|>');

const metadata = (extra: Record<string, GgufValue>) =>
  new Map<string, GgufValue>(
    Object.entries({
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.tokens': tokens,
      'tokenizer.ggml.token_type': tokens.map((_, i) => (i === tokens.length - 1 ? 4 : i >= tokens.length - 3 ? 3 : 1)),
      'tokenizer.ggml.merges': merges,
      'tokenizer.ggml.eos_token_id': end,
      'tokenizer.ggml.bos_token_id': id('<s>'),
      ...extra,
    }),
  );

/** As Qwen2's tokenizer.json says it. */
const qwen2 = {
  version: '1.0',
  added_tokens: ['<s>', '<|end|>', '<tool>'].map((content) => ({
    id: id(content),
    content,
    special: content !== '<tool>',
    lstrip: false,
    rstrip: false,
    single_word: false,
    normalized: false,
  })),
  normalizer: null,
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      {
        type: 'Split',
        pattern: { Regex: "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+" },
        behavior: 'Isolated',
        invert: false,
      },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
    ],
  },
  post_processor: null,
  decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
  model: { type: 'BPE', vocab: Object.fromEntries(tokens.map((t, i) => [t, i])), merges },
};

const texts = ['hello world', "HE'LL say: hello!!!\n\n  1234 worlds", 'déjà vu 🎈', '   ', '<|end|>hello<tool> wor', 'a\r\nb\tc'];

describe('pairs of bytes', () => {
  const own = jsonTokenizer(qwen2, {}, { ends: [], where: 'tokenizer' });
  const carried = ggufTokenizer(metadata({ 'tokenizer.ggml.pre': 'qwen2' }), tokens.length, 'file');
  it.each(texts)('%j', (text) => {
    expect(carried.encode(text)).toEqual(own.encode(text));
    expect(carried.decode(carried.encode(text))).toBe(text.replace('<|end|>', ''));
  });
  it('join in the order of the merges', () => {
    expect(carried.encode('hello wor')).toEqual([id('hello'), id('\u0120wor')]);
    expect([...carried.ends]).toEqual([end]);
  });
  it('have digits by threes or one by one, as the model was made', () => {
    const llama = ggufTokenizer(metadata({ 'tokenizer.ggml.pre': 'llama-bpe' }), tokens.length, 'file');
    expect(llama.encode('1231')).toEqual([id('123'), id('1')]);
    expect(carried.encode('1231')).toEqual(['1', '2', '3', '1'].map(id));
    const plain = ggufTokenizer(metadata({}), tokens.length, 'file');
    expect(plain.encode('1231')).toEqual([id('123'), id('1')]);
  });
  it('begin as the file says', () => {
    const begun = ggufTokenizer(metadata({ 'tokenizer.ggml.add_bos_token': true }), tokens.length, 'file');
    expect(begun.encode('hello')).toEqual([id('<s>'), id('hello')]);
    expect(begun.decode(begun.encode('hello'))).toBe('hello');
  });
  it('stream whole characters', () => {
    const stream = new TextStream(carried, carried.encode('hello'));
    expect(carried.encode(' 🎈!').map((t) => stream.push(t))).toEqual([' ', '', '', '', '🎈', '!']);
  });
});

describe('pieces', () => {
  it('are those of SentencePiece, with their spaces', () => {
    const list = ['<unk>', '<s>', '</s>', '<0x0A>', '\u2581', 'a', 'b', '\u2581a', 'ab', '\u2581ab'];
    const pairs = new Map<string, GgufValue>(
      Object.entries({
        'tokenizer.ggml.model': 'llama',
        'tokenizer.ggml.tokens': list,
        'tokenizer.ggml.scores': list.map((_, i) => -i),
        'tokenizer.ggml.token_type': [2, 3, 3, 6, 1, 1, 1, 1, 1, 1],
        'tokenizer.ggml.bos_token_id': 1,
        'tokenizer.ggml.eos_token_id': 2,
      }),
    );
    const t = ggufTokenizer(pairs, list.length, 'file');
    expect(t.encode('ab a\nb')).toEqual([1, 9, 7, 3, 6]);
    expect(t.decode([1, 9, 7, 3, 6, 2])).toBe('ab a\nb');
    expect([...t.ends]).toEqual([2]);
  });
});
