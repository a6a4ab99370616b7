/**
 * Weights from the largest on, without sorting them: a bucket for each sign, exponent and 6 bits of the fraction holds a handful of tokens, and only those
 * of a bucket that is cut are put in order.
 */

/** Bits of a float32 that do not tell buckets apart. */
const SHIFT = 17;
/** Weights are from 0 to 1. */
const BUCKETS = (0x3f800000 >>> SHIFT) + 1;

/** Tokens of the buckets above `bucket`, and the first `count` of its own. */
interface Cut {
  readonly bucket: number;
  readonly count: number;
}

export class Descending {
  readonly #bits: Uint32Array;
  readonly #counts = new Uint32Array(BUCKETS);
  readonly #sums = new Float64Array(BUCKETS);
  readonly #members = new Map<number, readonly number[]>();
  /** Lower than this everything is left out. */
  #cut: Cut = { bucket: 0, count: Number.POSITIVE_INFINITY };

  /** Weights of 0 take no part, nor those below `least`. */
  constructor(
    readonly weights: Float32Array,
    readonly least = 0,
  ) {
    const [bits, counts, sums] = [new Uint32Array(weights.buffer, weights.byteOffset, weights.length), this.#counts, this.#sums];
    this.#bits = bits;
    for (let i = 0; i < bits.length; i++) {
      if ((weights[i] as number) < least) continue;
      const b = (bits[i] as number) >>> SHIFT;
      (counts[b] as number)++;
      (sums[b] as number) += weights[i] as number;
    }
    // Zeros, and numbers as small as those beside them.
    this.#members.set(0, counts[0] === 0 ? [] : this.#listed(0).filter((i) => (weights[i] as number) > 0));
    counts[0] = (this.#members.get(0) as readonly number[]).length;
  }

  #listed(bucket: number): number[] {
    const [bits, weights, least, list] = [this.#bits, this.weights, this.least, [] as number[]];
    for (let i = 0; i < bits.length; i++) if ((bits[i] as number) >>> SHIFT === bucket && (weights[i] as number) >= least) list.push(i);
    return list.sort((a, b) => (weights[b] as number) - (weights[a] as number) || a - b);
  }

  #membersOf(bucket: number): readonly number[] {
    let list = this.#members.get(bucket);
    if (list === undefined) {
      list = this.#listed(bucket);
      this.#members.set(bucket, list);
    }
    return list;
  }

  /** What of a bucket lies above the cut. */
  #keptOf(bucket: number): readonly number[] {
    return this.#membersOf(bucket).slice(0, bucket === this.#cut.bucket ? this.#cut.count : undefined);
  }

  #sumOf(bucket: number): number {
    if (bucket !== this.#cut.bucket) return this.#sums[bucket] as number;
    return this.#keptOf(bucket).reduce((sum, i) => sum + (this.weights[i] as number), 0);
  }

  /** The sum of what is kept. */
  get total(): number {
    let total = 0;
    for (let b = this.#cut.bucket; b < BUCKETS; b++) if (this.#counts[b] !== 0) total += this.#sumOf(b);
    return total;
  }

  /** Keeps the `most` largest. */
  keepMost(most: number): void {
    let left = most;
    for (let b = BUCKETS - 1; b >= this.#cut.bucket; b--) {
      if (left <= (this.#counts[b] as number)) {
        this.#cut = { bucket: b, count: left };
        return;
      }
      left -= this.#counts[b] as number;
    }
  }

  /** Keeps the fewest that have this weight together. */
  keepShare(weight: number): void {
    let left = weight;
    for (let b = BUCKETS - 1; b >= this.#cut.bucket; b--) {
      if (this.#counts[b] === 0) continue;
      const sum = this.#sumOf(b);
      if (left > sum && b > this.#cut.bucket) {
        left -= sum;
        continue;
      }
      const own = this.#keptOf(b);
      let count = 0;
      while (count < own.length && (left > 0 || count === 0)) left -= this.weights[own[count++] as number] as number;
      this.#cut = { bucket: b, count };
      return;
    }
  }

  /** Keeps those of at least this weight. */
  keepFrom(least: number): void {
    const bucket = new Uint32Array(Float32Array.of(least).buffer)[0] as number;
    const b = bucket >>> SHIFT;
    if (b < this.#cut.bucket || b >= BUCKETS) return;
    this.#cut = { bucket: b, count: this.#keptOf(b).filter((i) => (this.weights[i] as number) >= least).length };
  }

  /** The token at `at` of the way along what is kept, from 0 to 1. */
  at(at: number): number {
    let left = at * this.total;
    let last = 0;
    for (let b = BUCKETS - 1; b >= this.#cut.bucket; b--) {
      if (this.#counts[b] === 0) continue;
      const sum = this.#sumOf(b);
      if (left >= sum && b > this.#cut.bucket) {
        left -= sum;
        continue;
      }
      for (const i of this.#keptOf(b)) {
        last = i;
        left -= this.weights[i] as number;
        if (left < 0) return i;
      }
    }
    return last;
  }
}
