/**
 * How the elements of one tensor are distributed over all calibration feeds: bins over [-range, range], which doubles by
 * merging pairs of bins where a feed goes beyond it. Memory is the bins, whatever the number of feeds. Native kernels
 * count (dsnk.Histogram); here only bins are added.
 */

/** 2,048 on each side of zero: eight to sixteen a quantization step of 8 bits after the last doubling. */
export const BINS = 4096;

/** Below this the kernel's factor bins/range would overflow. */
const MIN_RANGE = 2 ** -100;

export class Histogram {
  range = 0;
  readonly counts: Float64Array;
  /** Exact zeros, which stand in no bin: every scale says them exactly. */
  zeros = 0;
  low = Number.POSITIVE_INFINITY;
  high = Number.NEGATIVE_INFINITY;

  constructor(readonly bins = BINS) {
    this.counts = new Float64Array(bins);
  }

  /** Elements seen. */
  get total(): number {
    return this.counts.reduce((a, b) => a + b, this.zeros);
  }

  get width(): number {
    return (2 * this.range) / this.bins;
  }

  /** The number in the middle of a bin. */
  centre(bin: number): number {
    return (bin + 0.5) * this.width - this.range;
  }

  /** Widens the range until a magnitude lies inside; false where it did before. */
  cover(magnitude: number): boolean {
    if (!(magnitude > this.range)) return false;
    if (this.range === 0) this.range = Math.max(Math.fround(magnitude), MIN_RANGE);
    while (this.range < magnitude) this.#double();
    return true;
  }

  #double(): void {
    const { bins, counts } = this;
    const merged = new Float64Array(bins);
    for (let i = 0; i < bins; i++) merged[bins / 4 + (i >> 1)] = (merged[bins / 4 + (i >> 1)] as number) + (counts[i] as number);
    counts.set(merged);
    this.range *= 2;
  }

  /** Adds what the kernel counted with this range: `bins + 1` numbers, the last of them exact zeros. */
  add(counts: ArrayLike<number>, low: number, high: number): void {
    for (let i = 0; i < this.bins; i++) this.counts[i] = (this.counts[i] as number) + (counts[i] as number);
    this.zeros += counts[this.bins] as number;
    this.low = Math.min(this.low, low);
    this.high = Math.max(this.high, high);
  }
}
