/** Text out of tokens: whole characters only, and nothing behind a stop string. */
import { describe, expect, it } from 'vitest';
import { PieceTokenizer } from '../../lib/generate/pieces.js';
import { StopStrings, TextStream } from '../../lib/generate/tokenizer.js';

/** Three control tokens, all bytes, characters, and some pieces with falling scores. */
const words = [' ', 'a', 'b', 'c', 'ab', 'bc', 'abc', ' a', ' ab'];
const pieces = ['<unk>', '<s>', '</s>', ...Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`), ...words];
const scores = pieces.map((_, i) => -i);
const tokenizer = new PieceTokenizer(pieces, scores, { begin: 1, ends: [2], unknown: 0, silent: new Set([0, 1, 2]), leadingSpace: true });
const first = 259;
const of = (...list: string[]) => list.map((w) => first + words.indexOf(w));

describe('pieces', () => {
  it('join the neighbours of the best score first', () => {
    // 'ab' is better than ' a', so ' ab' comes out of ' ' and 'ab'.
    expect(tokenizer.encode('ab')).toEqual([1, ...of(' ab')]);
    expect(tokenizer.encode('abc')).toEqual([1, ...of(' ', 'abc')]);
    expect(tokenizer.encode('bc')).toEqual([1, ...of(' ', 'bc')]);
    expect(tokenizer.encode('')).toEqual([1]);
  });

  it('are bytes where there is none', () => {
    expect(tokenizer.encode('é')).toEqual([1, ...of(' '), 3 + 0xc3, 3 + 0xa9]);
    expect(tokenizer.decode(tokenizer.encode('é🎈'))).toBe('é🎈');
  });

  it('join as the plain definition does', () => {
    const plain = (text: string) => {
      const list = [...` ${text}`];
      for (;;) {
        let best = -1;
        list.forEach((s, i) => {
          const token = (at: number) => pieces.indexOf(`${list[at]}${list[at + 1]}`);
          if (i + 1 < list.length && token(i) >= first && (best < 0 || token(i) < token(best))) best = i;
          void s;
        });
        if (best < 0) return list.map((s) => pieces.indexOf(s));
        list.splice(best, 2, `${list[best]}${list[best + 1]}`);
      }
    };
    let state = 1;
    for (let round = 0; round < 300; round++) {
      const text = Array.from({ length: round % 23 }, () => 'abc '[(state = (state * 48271) % 2147483647) % 4]).join('');
      if (text !== '') expect(tokenizer.encode(text)).toEqual([1, ...plain(text)]);
    }
  });

  it('take long texts in time', () => {
    expect(tokenizer.encode('abc'.repeat(50_000)).length).toBeGreaterThan(50_000);
  });
});

describe('a stream of text', () => {
  it('waits for whole characters', () => {
    const stream = new TextStream(tokenizer, [1]);
    const bytes = [...new TextEncoder().encode('🎈')].map((b) => 3 + b);
    expect(bytes.map((t) => stream.push(t))).toEqual(['', '', '', '🎈']);
    expect(stream.push(bytes[0] as number)).toBe('');
    expect(stream.end()).toBe('\uFFFD');
    expect(stream.end()).toBe('');
  });

  it('has no space in front of the first word only', () => {
    const stream = new TextStream(tokenizer, [1]);
    expect(of(' a', ' ab', ' a', ' a', ' a', ' a', ' a', ' a', ' a').map((t) => stream.push(t))).toEqual(['a', ' ab', ...Array(7).fill(' a')]);
  });
});

describe('stop strings', () => {
  it.each([
    [['xyz'], ['ab', 'x', 'y', 'q'], ['ab', '', '', 'xyq'], ''],
    [['xyz'], ['abx', 'yz', 'more'], ['ab', '', ''], ''],
    [['xyz', 'b'], ['abx'], ['a'], ''],
    [['xx'], ['ax'], ['a'], 'x'],
    [[], ['ab', 'c'], ['ab', 'c'], ''],
  ])('%j in %j', (stops, given, out, rest) => {
    const filter = new StopStrings(stops);
    expect(given.map((text) => filter.push(text))).toEqual(out);
    expect(filter.end()).toBe(rest);
  });
});
