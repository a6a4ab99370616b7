/**
 * Calls of a decoder on its caches. There is one slot for each row of the batch; it knows the tokens whose keys and values it holds, so
 * a text that begins like them goes on from there.
 */
import type { InferenceSession } from '../runtime/session.js';
import { Tensor } from '../tensor.js';

/** Rows of a call: a text is cut into these, the last one padded, and each is one compiled program. */
const CHUNKS = [1, 32, 256];

/** What a call costs beside its rows, in rows: the weights are read, whatever they are multiplied by. */
const CALL_ROWS = 12;

/** The rows of a call that bring most of `left` tokens for their price, where the caches have room for so many. */
function rowsFor(left: number, room: number): number {
  const gain = (rows: number) => Math.min(rows, left) / (CALL_ROWS + rows);
  return CHUNKS.filter((rows) => rows <= room).reduce((best, rows) => (gain(rows) > gain(best) ? rows : best));
}

/** Feeds of a call. */
function feedsOf(batch: number, rows: number) {
  return { tokens: new BigInt64Array(batch * rows), lengths: new Int32Array(batch), last: new BigInt64Array(batch) };
}

interface Slot {
  readonly held: number[];
  /** When it was read into last. */
  used: number;
}

/** How many tokens two texts have in common at their beginning. */
function common(a: readonly number[], b: readonly number[], most: number): number {
  let n = 0;
  while (n < most && n < a.length && a[n] === b[n]) n++;
  return n;
}

export class Decoding {
  readonly #slots: readonly Slot[];
  readonly #scores: Tensor;
  #clock = 0;

  constructor(
    readonly session: InferenceSession,
    readonly batch: number,
    readonly capacity: number,
    readonly vocabulary: number,
  ) {
    this.#slots = Array.from({ length: batch }, () => ({ held: [], used: 0 }));
    this.#scores = new Tensor('float32', new Float32Array(batch * vocabulary), [batch, vocabulary]);
  }

  /** Compiles what answers are made with, and most prompts; packs the weights. */
  async prepare(): Promise<void> {
    for (const rows of [1, 32].filter((n) => n <= this.capacity)) {
      const { tokens, lengths, last } = feedsOf(this.batch, rows);
      await this.session.model.prepare([
        { dtype: 'int64', dims: [this.batch, rows], data: tokens },
        { dtype: 'int32', dims: [this.batch], data: lengths },
        { dtype: 'int64', dims: [this.batch, 1], data: last },
      ]);
    }
  }

  /** The slot that holds most of a text, of equal ones the one that has rested longest; none of `taken`. */
  slotFor(text: readonly number[], taken: ReadonlySet<number> = new Set()): number {
    const free = [...this.#slots.keys()].filter((i) => !taken.has(i));
    const worth = (i: number) => common((this.#slots[i] as Slot).held, text, text.length);
    return free.reduce((best, i) => {
      const more = worth(i) - worth(best);
      return more > 0 || (more === 0 && (this.#slots[i] as Slot).used < (this.#slots[best] as Slot).used) ? i : best;
    });
  }

  /**
   * One call: every slot named reads on in its text. Returns the scores of what follows, valid until the next call, for the texts that are read
   * to their end.
   */
  async step(texts: ReadonlyMap<number, readonly number[]>, signal: AbortSignal | undefined): Promise<Map<number, Float32Array>> {
    signal?.throwIfAborted();
    const starts = new Map<number, number>();
    for (const [i, text] of texts) {
      const slot = this.#slots[i] as Slot;
      // The last token is read in any case: its scores are wanted.
      slot.held.length = common(slot.held, text, text.length - 1);
      slot.used = ++this.#clock;
      starts.set(i, slot.held.length);
    }
    const left = Math.max(...[...texts].map(([i, text]) => text.length - (starts.get(i) as number)));
    const rows = rowsFor(left, this.capacity - Math.max(...starts.values()));
    const { tokens, lengths, last } = feedsOf(this.batch, rows);
    const read = new Map<number, readonly number[]>();
    this.#slots.forEach((slot, i) => {
      const text = texts.get(i);
      if (text === undefined) {
        // Rows that nobody asked for still write somewhere: behind what is held, or over its end.
        slot.held.length = Math.min(slot.held.length, this.capacity - rows);
        lengths[i] = slot.held.length;
        return;
      }
      const at = starts.get(i) as number;
      const part = text.slice(at, at + rows);
      part.forEach((token, k) => {
        tokens[i * rows + k] = BigInt(token);
      });
      lengths[i] = at;
      last[i] = BigInt(part.length - 1);
      read.set(i, part);
    });
    const feeds = {
      tokens: new Tensor('int64', tokens, [this.batch, rows]),
      lengths: new Tensor('int32', lengths, [this.batch]),
      last: new Tensor('int64', last, [this.batch, 1]),
    };
    await this.session.run(feeds, { logits: this.#scores }, { ...(signal && { signal }) });
    const done = new Map<number, Float32Array>();
    for (const [i, part] of read) {
      const { held } = this.#slots[i] as Slot;
      held.push(...part);
      const scores = this.#scores.data as Float32Array;
      if (held.length === texts.get(i)?.length) done.set(i, scores.subarray(i * this.vocabulary, (i + 1) * this.vocabulary));
    }
    return done;
  }
}
