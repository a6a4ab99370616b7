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
  readonly start: readonly number[];
  readonly weights: readonly number[];
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

/** Weights of the input positions around x, before positions outside are dealt with: [first position, weights]. */
function neighbours(x: number, scale: number, how: Interpolation): [first: number, weights: number[]] {
  if (how.mode === 'nearest') return [nearestIndex(x, how.nearest), [1]];
  const base = Math.floor(x);
  const ratio = x - base;
  // Downsampling with antialias stretches the kernel by 1/scale.
  const s = how.antialias ? Math.min(scale, 1) : 1;
  const reach = how.mode === 'linear' ? 1 : 2;
  const first = Math.floor(-reach / s) + 1;
  const weights: number[] = [];
  for (let t = first; t < 1 - first + 1; t++) {
    const distance = (t - ratio) * s;
    weights.push(how.mode === 'linear' ? Math.max(0, 1 - Math.abs(distance)) : cubic(distance, how.cubicA));
  }
  if (how.antialias) {
    const sum = weights.reduce((a, b) => a + b, 0);
    return [base + first, weights.map((w) => w / sum)];
  }
  return [base + first, weights];
}

/** The table of one axis, or undefined where every output is the input at its own position. */
export function axisTable(axis: ResizeAxis, how: Interpolation): AxisTable | undefined {
  const { input, output } = axis;
  const start: number[] = [];
  const rows: number[][] = [];
  let identity = input === output;
  let taps = 1;
  for (let i = 0; i < output; i++) {
    const x = position(axis, i);
    if (axis.coordinates === 'tf_crop_and_resize' && (x < 0 || x > input - 1)) {
      start.push(-1);
      rows.push([]);
      identity = false;
      continue;
    }
    const [first, weights] = neighbours(x, axis.scale, how);
    // Positions outside take the edge's value, or nothing.
    const inside = new Map<number, number>();
    let sum = 0;
    weights.forEach((w, t) => {
      const at = Math.min(Math.max(first + t, 0), input - 1);
      if (how.excludeOutside && how.mode === 'cubic' && at !== first + t) return;
      inside.set(at, (inside.get(at) ?? 0) + w);
      sum += w;
    });
    const scale = how.excludeOutside && how.mode === 'cubic' ? 1 / sum : 1;
    const used = [...inside].filter(([, w]) => w !== 0).map(([at]) => at);
    const low = used.length > 0 ? Math.min(...used) : 0;
    const high = used.length > 0 ? Math.max(...used) : 0;
    const row: number[] = [];
    for (let at = low; at <= high; at++) row.push((inside.get(at) ?? 0) * scale);
    taps = Math.max(taps, row.length);
    start.push(low);
    rows.push(row);
    identity &&= low === i && row.length === 1 && row[0] === 1;
  }
  if (identity) return undefined;
  const table = new Array<number>(taps * output).fill(0);
  rows.forEach((row, i) => {
    if (start[i] === -1) return;
    // Rows shorter than the longest one must not reach past the end.
    const from = Math.min(start[i] as number, input - taps);
    row.forEach((w, t) => {
      table[(t + (start[i] as number) - from) * output + i] = w;
    });
    start[i] = from;
  });
  return { taps, start, weights: table };
}
