/**
 * Pieces with scores, as SentencePiece has them in llama2.c's files and in GGUF: a text is its characters, and the two neighbours whose joint
 * piece has the best score become one until none is left. Characters that are no piece are bytes.
 */
import { dsnkError } from '../errors.js';
import type { Tokenizer } from './tokenizer.js';

export interface PieceOptions {
  readonly begin: number | undefined;
  readonly ends: readonly number[];
  readonly unknown: number;
  /** Tokens that stand for no text. */
  readonly silent: ReadonlySet<number>;
  /** A text gets a space in front of it. */
  readonly leadingSpace: boolean;
}

interface Pair {
  readonly score: number;
  /** Positions of the two, and what they were when the pair was found. */
  readonly left: number;
  readonly right: number;
  readonly size: number;
  readonly token: number;
}

/** The best score first, then the leftmost. */
const before = (a: Pair, b: Pair) => a.score > b.score || (a.score === b.score && a.left < b.left);

/** A heap of pairs. */
class Pairs {
  readonly #heap: Pair[] = [];

  push(pair: Pair): void {
    const heap = this.#heap;
    let i = heap.push(pair) - 1;
    for (let up = (i - 1) >> 1; i > 0 && before(pair, heap[up] as Pair); up = (i - 1) >> 1) {
      heap[i] = heap[up] as Pair;
      i = up;
    }
    heap[i] = pair;
  }

  pop(): Pair | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child + 1 < heap.length && before(heap[child + 1] as Pair, heap[child] as Pair)) child++;
      if (child >= heap.length || !before(heap[child] as Pair, last)) break;
      heap[i] = heap[child] as Pair;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

const BYTE = /^<0x([0-9A-F]{2})>$/;

export class PieceTokenizer implements Tokenizer {
  readonly ends: ReadonlySet<number>;
  readonly #tokens = new Map<string, number>();
  /** The token of each byte, where there is one; and the byte of each such token. */
  readonly #byteTokens: (number | undefined)[] = new Array(256).fill(undefined);
  readonly #bytes = new Map<number, number>();
  readonly #names: readonly string[];
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** `pieces` have plain spaces. */
  constructor(
    pieces: readonly string[],
    readonly scores: readonly number[],
    readonly options: PieceOptions,
  ) {
    this.ends = new Set(options.ends);
    this.#names = pieces;
    for (const [token, piece] of pieces.entries()) {
      const byte = BYTE.exec(piece)?.[1];
      if (byte !== undefined) {
        const value = Number.parseInt(byte, 16);
        this.#byteTokens[value] ??= token;
        this.#bytes.set(token, value);
      } else if (!options.silent.has(token) && !this.#tokens.has(piece)) this.#tokens.set(piece, token);
    }
  }

  /** What a token is written as. Made when it is asked for: as an array for each, a vocabulary would be megabytes. */
  #written(token: number): Uint8Array {
    const piece = this.#names[token];
    if (piece === undefined) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'decode', `tokens must be below ${this.#names.length}`, `${token} came`);
    const byte = this.#bytes.get(token);
    if (byte !== undefined) return Uint8Array.of(byte);
    return this.options.silent.has(token) ? new Uint8Array() : this.#encoder.encode(piece);
  }

  encode(text: string): number[] {
    const begin = this.options.begin === undefined ? [] : [this.options.begin];
    if (text === '') return begin;
    return [...begin, ...this.#merged([...(this.options.leadingSpace ? ` ${text}` : text)])];
  }

  encodeWritten(text: string): number[] {
    // Cut where a special token is written; what stands between is text.
    const names = [...this.options.silent].map((token) => this.#names[token] as string).filter((name) => name !== '');
    if (names.length === 0) return this.#merged([...text]);
    names.sort((a, b) => b.length - a.length);
    const special = new RegExp(`(${names.map((name) => name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')})`);
    return text.split(special).flatMap((part, i) => (i % 2 === 1 ? [this.#names.indexOf(part)] : this.#merged([...part])));
  }

  #merged(symbols: string[]): number[] {
    const next = symbols.map((_, i) => i + 1);
    const previous = symbols.map((_, i) => i - 1);
    const pairs = new Pairs();
    const offer = (left: number) => {
      const right = left < 0 ? symbols.length : (next[left] as number);
      if (right >= symbols.length) return;
      const joint = `${symbols[left]}${symbols[right]}`;
      const token = this.#tokens.get(joint);
      if (token !== undefined) pairs.push({ score: this.scores[token] as number, left, right, size: joint.length, token });
    };
    for (let i = 0; i < symbols.length; i++) offer(i);
    for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
      const { left, right, size } = pair;
      // One of the two may have become part of another meanwhile.
      if (symbols[left] === '' || symbols[right] === '' || next[left] !== right || `${symbols[left]}${symbols[right]}`.length !== size) continue;
      symbols[left] = `${symbols[left]}${symbols[right]}`;
      symbols[right] = '';
      const after = next[right] as number;
      next[left] = after;
      if (after < symbols.length) previous[after] = left;
      offer(previous[left] as number);
      offer(left);
    }
    return symbols.filter((s) => s !== '').flatMap((s) => this.#tokens.get(s) ?? this.#bytesOf(s));
  }

  #bytesOf(character: string): number[] {
    return Array.from(this.#encoder.encode(character), (byte) => this.#byteTokens[byte] ?? this.options.unknown);
  }

  decode(tokens: readonly number[]): string {
    const text = this.#decoder.decode(Buffer.concat(tokens.map((token) => this.#written(token))));
    // The space that encoding has put in front of a text.
    return this.options.leadingSpace && tokens[0] === this.options.begin && text.startsWith(' ') ? text.slice(1) : text;
  }
}
