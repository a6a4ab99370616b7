/** Blocks of depthwise and 1x1 convolutions for tests (small, around every edge of the bands) and for the bench (blocks of real networks). */
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { type ActivationName, activation } from '../../lib/kernels/epilogue.js';
import { invertedResidualParams } from '../../lib/kernels/inverted-residual.js';
import { bandRows, bandShape } from '../../lib/ops/inverted-residual.js';
import { floats, type KernelCase } from './case.js';

export interface Stage {
  readonly activation?: ActivationName;
  readonly alpha?: number;
  readonly beta?: number;
  readonly bias?: boolean;
}

export interface BlockCase {
  readonly name: string;
  readonly batch: number;
  readonly size: readonly [number, number];
  readonly channels: number;
  readonly hidden: number;
  readonly outChannels: number;
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  /** Begin of rows and columns, then their ends. */
  readonly pads: readonly [number, number, number, number];
  /** Left out: the stage is missing. */
  readonly expand?: Stage;
  readonly depthwise: Stage;
  readonly project?: Stage;
  readonly residual?: boolean;
  readonly bandRows: number;
  /** Elements past the output channels in each pixel of y. */
  readonly gap?: number;
}

export function blockOutput(c: BlockCase): [number, number] {
  const side = (a: 0 | 1) => Math.floor((c.size[a] + c.pads[a] + (c.pads[a + 2] as number) - c.kernel[a]) / c.strides[a]) + 1;
  return [side(0), side(1)];
}

export function blockParams(c: BlockCase) {
  const stage = (s: Stage | undefined) => ({ kind: activation.value(s?.activation ?? 'none'), alpha: s?.alpha ?? 0, beta: s?.beta ?? 0 });
  const [first, middle, last] = [stage(c.expand), stage(c.depthwise), stage(c.project)];
  return {
    batch: c.batch,
    channels: c.channels,
    hidden: c.hidden,
    outChannels: c.outChannels,
    inSize: [...c.size],
    outSize: blockOutput(c),
    kernel: [...c.kernel],
    strides: [...c.strides],
    pads: c.pads.slice(0, 2),
    expand: c.expand === undefined ? 0 : 1,
    project: c.project === undefined ? 0 : 1,
    bandRows: c.bandRows,
    ldc: c.outChannels + (c.gap ?? 0),
    expandActivation: first.kind,
    expandAlpha: first.alpha,
    expandBeta: first.beta,
    depthwiseActivation: middle.kind,
    depthwiseAlpha: middle.alpha,
    depthwiseBeta: middle.beta,
    projectActivation: last.kind,
    projectAlpha: last.alpha,
    projectBeta: last.beta,
  };
}

const small = (name: string, rest: Partial<BlockCase> = {}): BlockCase => {
  const c: BlockCase = {
    name,
    batch: 1,
    size: [9, 11],
    channels: 6,
    hidden: 19,
    outChannels: 7,
    kernel: [3, 3],
    strides: [1, 1],
    pads: [1, 1, 1, 1],
    expand: { bias: true, activation: 'relu' },
    depthwise: { bias: true, activation: 'clip', alpha: -0.5, beta: 0.75 },
    project: { bias: true },
    bandRows: 2,
    ...rest,
  };
  return c;
};

/** Without the key, as a missing stage is. */
const without = <K extends 'expand' | 'project'>(c: BlockCase, ...stages: K[]): BlockCase => {
  const { expand, project, ...rest } = c;
  return {
    ...rest,
    ...(!stages.includes('expand' as K) && expand && { expand }),
    ...(!stages.includes('project' as K) && project && { project }),
  };
};

const kinds = [
  'none',
  'relu',
  'clip',
  'leakyRelu',
  'elu',
  'sigmoid',
  'hardSigmoid',
  'silu',
  'hardSwish',
  'tanh',
  'gelu',
  'geluTanh',
  'softplus',
  'mish',
] as const;

export const testCases: readonly BlockCase[] = [
  ...[1, 2, 3, 4, 9, 100].flatMap((bandRows) =>
    ([1, 2, 3] as const).map((s) => small(`bands of ${bandRows}, stride ${s}`, { bandRows, strides: [s, s], residual: bandRows % 2 === 1 })),
  ),
  ...[1, 15, 16, 17, 32, 33, 48, 64, 65, 96].map((n) => small(`${n} channels`, { channels: n, hidden: n + 1, outChannels: n, residual: true })),
  ...[255, 256, 257, 530].map((n) => small(`${n} hidden channels`, { size: [5, 4], hidden: n })),
  ...[1, 2, 3, 6, 7, 12, 13, 14, 15, 20].map((w) => small(`rows of ${w}`, { size: [4, w] })),
  ...([1, 2] as const).map((s) => small(`5x5 stride ${s}`, { kernel: [5, 5], strides: [s, s], pads: [2, 2, 2, 2], bandRows: 3 })),
  small('7x7', { kernel: [7, 7], pads: [3, 3, 3, 3], bandRows: 1 }),
  small('2x4 with a stride a side', { kernel: [2, 4], strides: [3, 2], pads: [0, 2, 1, 1] }),
  small('rows that no window sees', { kernel: [1, 1], strides: [3, 3], pads: [0, 0, 0, 0] }),
  small('asymmetric pads', { pads: [0, 2, 3, 0], strides: [2, 2] }),
  small('no padding', { pads: [0, 0, 0, 0] }),
  small('pads beyond the kernel', { size: [2, 2], pads: [5, 5, 5, 5] }),
  small('pads that crop', { pads: [-2, -1, -3, 1] }),
  small('one pixel', { size: [1, 1] }),
  small('batch', { batch: 3, residual: true, project: { activation: 'relu' } }),
  small('gap', { gap: 5, residual: true }),
  small('empty batch', { batch: 0 }),
  // large enough for four tiles
  ...([1, 2] as const).flatMap((s) =>
    [3, 5].map((k) =>
      small(`tiles of few rows, ${k}x${k} stride ${s}`, {
        size: [23, 14],
        channels: 64,
        hidden: 70,
        outChannels: 64,
        kernel: [k, k],
        strides: [s, s],
        pads: [k >> 1, k >> 1, k >> 1, k >> 1],
        residual: s === 1,
      }),
    ),
  ),
  small('tiles across images', { batch: 5, size: [7, 14], channels: 64, hidden: 70, outChannels: 64, bandRows: 3 }),
  small('no biases', { expand: {}, depthwise: {}, project: {} }),
  ...([1, 2] as const).flatMap((s) => [
    without(small(`depthwise and project, stride ${s}`, { channels: 19, batch: 2, strides: [s, s] }), 'expand'),
    without(small(`expand and depthwise, stride ${s}`, { outChannels: 19, batch: 2, strides: [s, s], residual: true, gap: 3 }), 'project'),
    without(small(`depthwise alone, stride ${s}`, { channels: 19, outChannels: 19, residual: true, strides: [s, s] }), 'expand', 'project'),
  ]),
  ...kinds.map((kind, i) => {
    const at = (j: number) => ({ activation: kinds[(i + j) % kinds.length] as ActivationName, alpha: 0.2, beta: 0.5, bias: true });
    return small(`${kind} and others`, { size: [4, 5], expand: at(0), depthwise: at(3), project: at(7), residual: true });
  }),
];

const block = (side: number, channels: number, hidden: number, outChannels: number, k: number, s: number, expand = true): BlockCase => {
  const size: [number, number] = [side, side];
  const out = Math.ceil(side / s);
  const shape = bandShape([1, side, side, channels], [1, out, out, outChannels], hidden, k, s, expand, true);
  return {
    name: `${expand ? `${channels}→` : ''}${hidden}→${outChannels} ${k}x${k} s${s} @${side}`,
    batch: 1,
    size,
    channels,
    hidden,
    outChannels,
    kernel: [k, k],
    strides: [s, s],
    pads: [k >> 1, k >> 1, k >> 1, k >> 1],
    ...(expand && { expand: { bias: true, activation: 'clip', beta: 6 } as Stage }),
    depthwise: { bias: true, activation: 'clip', beta: 6 },
    project: { bias: true },
    bandRows: bandRows(shape),
  };
};

/** Blocks of MobileNets. */
export const benchCases: readonly BlockCase[] = [
  block(112, 32, 32, 16, 3, 1, false),
  block(112, 16, 96, 24, 3, 2),
  block(56, 24, 144, 24, 3, 1),
  block(28, 32, 192, 32, 3, 1),
  block(14, 96, 576, 96, 3, 1),
  block(14, 96, 576, 160, 3, 2),
  block(28, 40, 240, 40, 5, 1),
];

export function blockKernelCase(c: BlockCase, row: KernelRow): KernelCase {
  const [rows, columns] = blockOutput(c);
  const padded = (n: number) => Math.ceil(n / row.nr) * row.nr;
  const taps = c.kernel[0] * c.kernel[1];
  const inPixels = c.batch * c.size[0] * c.size[1];
  const outPixels = c.batch * rows * columns;
  const bias = (s: Stage | undefined, n: number) => (s?.bias ? floats(n, 3) : undefined);
  const sums = (c.expand ? inPixels * c.channels * c.hidden : 0) + outPixels * c.hidden * taps + (c.project ? outPixels * c.hidden * c.outChannels : 0);
  return {
    name: `inverted_residual ${c.name}`,
    op: 'inverted_residual',
    dtypes: 'f32',
    schema: invertedResidualParams,
    params: blockParams(c),
    outputs: () => [new Float32Array(outPixels * (c.outChannels + (c.gap ?? 0)))],
    inputs: () => [
      floats(inPixels * c.channels, 1),
      c.expand && floats(c.channels * padded(c.hidden), 2),
      bias(c.expand, c.hidden),
      floats(taps * c.hidden, 4),
      bias(c.depthwise, c.hidden),
      c.project && floats(c.hidden * padded(c.outChannels), 5),
      bias(c.project, c.outChannels),
      c.residual ? floats(outPixels * c.outChannels, 6) : undefined,
    ],
    bench: true,
    flops: 2 * sums,
  };
}
