/** Resize along one axis: which input positions an output position reads, and with which weights. */

export type CoordinateMode =
  | 'half_pixel'
  | 'half_pixel_symmetric'
  | 'pytorch_half_pixel'
  | 'align_corners'
  | 'asymmetric'
  | 'tf_half_pixel_for_nn'
  | 'tf_crop_and_resize';

export type NearestMode = 'round_prefer_floor' | 'round_prefer_ceil' | 'floor' | 'ceil';

export interface ResizeAxis {
  readonly input: number;
  readonly output: number;
  /** As given, or output / input where sizes were given. */
  readonly scale: number;
  readonly coordinates: CoordinateMode;
  /** Region of interest along this axis, in parts of its length; only tf_crop_and_resize looks at it. */
  readonly roi: readonly [start: number, end: number];
}

export interface Interpolation {
  readonly mode: 'nearest' | 'linear' | 'cubic';
  readonly nearest: NearestMode;
  readonly cubicA: number;
  readonly excludeOutside: boolean;
  readonly antialias: boolean;
}

/** `start[out]`, and `weights[taps][out]` laid out tap by tap. A start of -1 stands for "outside the image". */
export interface AxisTable {
  readonly taps: number;
  readonly start: Int32Array;
  readonly weights: Float64Array;
}

/** Where output position i lies in the input (the ONNX Resize definition's x_original). */
function position(axis: ResizeAxis, i: number): number {
  const { input, output, scale } = axis;
  switch (axis.coordinates) {
    case 'half_pixel':
      return (i + 0.5) / scale - 0.5;
    case 'half_pixel_symmetric':
      return (input / 2) * (1 - output / (scale * input)) + (i + 0.5) / scale - 0.5;
    case 'pytorch_half_pixel':
      return output > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case 'align_corners': {
      // The length before it is cut to an integer, as the ONNX test vectors have it.
      const length = scale * input;
      return length === 1 || output === 1 ? 0 : (i * (input - 1)) / (length - 1);
    }
    case 'asymmetric':
      return i / scale;
    case 'tf_half_pixel_for_nn':
      return (i + 0.5) / scale;
    case 'tf_crop_and_resize': {
      const [start, end] = axis.roi;
      return output > 1 ? start * (input - 1) + (i * (end - start) * (input - 1)) / (output - 1) : 0.5 * (start + end) * (input - 1);
    }
  }
}

function nearestIndex(x: number, mode: NearestMode): number {
  switch (mode) {
    case 'round_prefer_floor':
      return Math.ceil(x - 0.5);
    case 'round_prefer_ceil':
      return Math.floor(x + 0.5);
    case 'floor':
      return Math.floor(x);
    case 'ceil':
      return Math.ceil(x);
  }
}

/** Keys' cubic convolution kernel. */
function cubic(distance: number, a: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return 0;
}

/** Input positions that an output position may read, before those outside are dealt with. */
function reachOf(scale: number, how: Interpolation): { first: number; count: number; stretch: number } {
  if (how.mode === 'nearest') return { first: 0, count: 1, stretch: 1 };
  // Downsampling with antialias stretches the kernel by 1/scale.
  const stretch = how.antialias ? Math.min(scale, 1) : 1;
  const first = Math.floor(-(how.mode === 'linear' ? 1 : 2) / stretch) + 1;
  return { first, count: 2 * (1 - first), stretch };
}

/** Weights of the positions `base + first …` around `base + ratio`, written to `weights`. */
function weigh(weights: Float64Array, first: number, ratio: number, stretch: number, how: Interpolation): void {
  let sum = 0;
  for (let t = 0; t < weights.length; t++) {
    const distance = (first + t - ratio) * stretch;
    const w = how.mode === 'linear' ? Math.max(0, 1 - Math.abs(distance)) : cubic(distance, how.cubicA);
    weights[t] = w;
    sum += w;
  }
  if (how.antialias) for (let t = 0; t < weights.length; t++) (weights[t] as number) /= sum;
}

/** Weights that the table of an axis may come to. */
export function tableSize(axis: ResizeAxis, how: Interpolation): number {
  return Math.min(reachOf(axis.scale, how).count, axis.input) * axis.output;
}

/** The table of one axis, of `tableSize` weights at most, or undefined where every output is the input at its own position. */
export function axisTable(axis: ResizeAxis, how: Interpolation): AxisTable | undefined {
  const { input, output } = axis;
  const crop = axis.coordinates === 'tf_crop_and_resize';
  const { first, count, stretch } = reachOf(axis.scale, how);
  const most = Math.min(count, input);
  const around = new Float64Array(count).fill(1);
  const row = new Float64Array(most);
  const start = new Int32Array(output);
  const table = new Float64Array(most * output);
  const leaveOut = how.excludeOutside && how.mode === 'cubic';
  let identity = input === output;
  let taps = 1;
  for (let i = 0; i < output; i++) {
    const x = position(axis, i);
    if (crop && (x < 0 || x > input - 1)) {
      start[i] = -1;
      identity = false;
      continue;
    }
    const base = how.mode === 'nearest' ? nearestIndex(x, how.nearest) : Math.floor(x);
    if (how.mode !== 'nearest') weigh(around, first, x - base, stretch, how);
    // Positions outside take the edge's value, or nothing.
    const lowest = Math.min(Math.max(base + first, 0), input - 1);
    row.fill(0);
    let sum = 0;
    for (let t = 0; t < count; t++) {
      const at = base + first + t;
      const inside = Math.min(Math.max(at, 0), input - 1);
      if (leaveOut && inside !== at) continue;
      (row[inside - lowest] as number) += around[t] as number;
      sum += around[t] as number;
    }
    let from = 0;
    let to = most;
    while (to > 1 && row[to - 1] === 0) to--;
    while (from < to - 1 && row[from] === 0) from++;
    const scale = leaveOut ? 1 / sum : 1;
    for (let t = from; t < to; t++) table[(t - from) * output + i] = (row[t] as number) * scale;
    taps = Math.max(taps, to - from);
    start[i] = lowest + from;
    identity &&= start[i] === i && to - from === 1 && table[i] === 1;
  }
  if (identity) return undefined;
  for (let i = 0; i < output; i++) {
    // Rows shorter than the longest one must not reach past the end.
    const late = (start[i] as number) - (input - taps);
    if (late <= 0) continue;
    for (let t = taps - 1; t >= 0; t--) table[t * output + i] = t < late ? 0 : (table[(t - late) * output + i] as number);
    start[i] = input - taps;
  }
  return { taps, start, weights: table.subarray(0, taps * output) };
}
