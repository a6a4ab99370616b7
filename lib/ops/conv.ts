/**
 * Convolutions. ONNX Conv and ConvTranspose are channels-first and only typed here: the layout pass rewrites them to the
 * channels-last `dsnk` ones, which become kernels.
 */
import type { KernelRow } from '../compile/catalogue.js';
import type { Way } from '../compile/choice.js';
import type { Lowering } from '../compile/lowering.js';
import type { NarrowChoice, ProductSize } from '../compile/precision.js';
import type { Ref } from '../compile/step.js';
import { type Dim, elementCount, type Shape } from '../graph/dim.js';
import type { Node } from '../graph/graph.js';
import { convPackParams, convParams } from '../kernels/conv.js';
import { depthwiseParams } from '../kernels/depthwise.js';
import { epilogueParams } from '../kernels/epilogue.js';
import type { NarrowType } from '../kernels/narrow.js';
import { packNarrow, withNarrow } from './narrow.js';
import type { Inference, Operator } from './operator.js';
import { fusedActivation, productWays } from './product.js';
import { sharedWays } from './sparse.js';
import { checkWindow, threeAxes, transposedOutput, type WindowShape, windowOf, windowOutput } from './spatial.js';
import { stemWays, suitsStem } from './stem.js';

/** Input channels of a group, or products of a sum, from which on gathering narrow rows is the faster one. */
const NARROW_CHANNELS = 24;
const NARROW_DEPTH = 128;

interface ConvShapes {
  /** Channels-first or channels-last input without batch and channels. */
  readonly size: readonly Dim[];
  readonly batch: Dim;
  readonly outChannels: Dim;
  readonly window: WindowShape;
}

/** Checks the shapes of the operands of any convolution. */
export function shapesOf(q: Inference, channelsLast: boolean, transposed: boolean): ConvShapes {
  const x = q.shape(0);
  const w = q.shape(1);
  const rank = x.length - 2;
  if (rank < 1 || w.length !== x.length) q.fail('input and weight must have one rank of at least 3', q.inputTexts());
  const kernel = w.slice(2);
  if (!kernel.every((d): d is number => typeof d === 'number')) q.fail('kernel sizes must be known', q.inputTexts());
  const declared = q.node.ints('kernel_shape', kernel as readonly number[]);
  if (declared.join() !== kernel.join()) q.fail('kernel_shape must be the spatial shape of the weight', `[${declared.join(',')}] came`);
  const group = q.node.int('group', 1);
  const channels = (channelsLast ? x[rank + 1] : x[1]) as Dim;
  const [first, second] = [w[0] as Dim, w[1] as Dim];
  if (group < 1 || (typeof first === 'number' && first % group !== 0)) q.fail('group must divide the channels', `group ${group}, weight [${w.join(',')}]`);
  const wanted = transposed ? first : typeof second === 'number' ? second * group : undefined;
  if (typeof channels === 'number' && typeof wanted === 'number' && channels !== wanted) {
    q.fail(`weight [${w.join(',')}] needs ${wanted} input channels`, `input [${x.join(',')}] has ${channels}`);
  }
  const outChannels = transposed ? (typeof second === 'number' ? second * group : second) : first;
  if (q.has(2)) {
    const bias = q.node.input(2).shape;
    if (bias !== undefined && (bias.length !== 1 || (typeof bias[0] === 'number' && typeof outChannels === 'number' && bias[0] !== outChannels)))
      q.fail(`bias must hold ${outChannels} numbers`, `[${bias.join(',')}] came`);
  }
  return {
    size: channelsLast ? x.slice(1, -1) : x.slice(2),
    batch: x[0] as Dim,
    outChannels,
    window: windowOf(q.node, kernel as readonly number[]),
  };
}

function checkTypes(q: Inference): void {
  if (q.dtype(0) !== q.dtype(1)) q.failDtype('input and weight must have one element type');
}

export function inferConv(q: Inference, channelsLast: boolean, transposed: boolean) {
  checkTypes(q);
  const { size, batch, outChannels, window } = shapesOf(q, channelsLast, transposed);
  const out = transposed ? transposedOutput(q, size, window) : windowOutput(q, size, window);
  const shape: Shape = channelsLast ? [batch, ...out, outChannels] : [batch, outChannels, ...out];
  if (channelsLast) {
    checkWindow(q, window);
    if (size.length > 3) q.fail('convolutions must have at most 3 spatial dimensions', q.inputTexts());
    const residual = q.has(3) ? q.node.input(3).shape : undefined;
    if (residual !== undefined && residual.join() !== shape.join())
      q.fail(`residual must have the output's shape [${shape.join(',')}]`, `[${residual.join(',')}] came`);
  }
  return [{ dtype: q.dtype(0), shape }];
}

/** Channels first in, channels last out. */
function inferStem(q: Inference) {
  checkTypes(q);
  const { size, batch, outChannels, window } = shapesOf(q, false, false);
  checkWindow(q, window);
  const channels = q.shape(0)[1] as Dim;
  if (typeof channels === 'number' && !suitsStem(channels, false, window, q.node.int('group', 1))) {
    q.fail('a stem must have few channels and a small window', q.inputTexts());
  }
  return [{ dtype: q.dtype(0), shape: [batch, ...windowOutput(q, size, window), outChannels] }];
}

/** The parameters of the activation that a node carries, under attributes of that prefix where it carries several. */
export function activationOf(node: Node, prefix = '') {
  return epilogueParams(fusedActivation(node, prefix));
}

/** The weights of a depthwise convolution, as its kernel reads them. */
export function packDepthwise(low: Lowering, weights: Ref, taps: number, channels: number): Ref {
  return low.emit(
    low.select('conv_pack', 'f32'),
    convPackParams,
    { group: 1, outPerGroup: channels, inPerGroup: 1, taps, transposed: 0, lanes: 1, vectors: channels },
    [low.temp(taps * channels * 4, 'weights')],
    [weights],
    { reason: 'weights as rows of channels, one a tap' },
  )[0] as Ref;
}

function lowerDepthwise(low: Lowering, window: WindowShape, pads: readonly number[]): void {
  const [x, y] = [low.dims(0), low.outDims()];
  const channels = x[x.length - 1] as number;
  const two = (list: readonly number[], fill: number) => threeAxes(list, fill).slice(1);
  const weights = packDepthwise(low, low.in(1), elementCount(window.kernel), channels);
  const way = (row: KernelRow): Way<unknown> => ({
    name: row.name,
    reason: 'depthwise: one filter a channel',
    emit: (reason) =>
      low.emit(
        row,
        depthwiseParams,
        {
          batch: x[0] as number,
          channels,
          inSize: two(x.slice(1, -1), 1),
          outSize: two(y.slice(1, -1), 1),
          kernel: two(window.kernel, 1),
          strides: two(window.strides, 1),
          pads: two(pads.slice(0, window.kernel.length), 0),
          dilations: two(window.dilations, 1),
          ldc: low.rowElements(),
          ...activationOf(low.node),
        },
        [low.out()],
        [low.in(0), weights, low.input(2), low.input(3)],
        { reason },
      ),
  });
  low.choose(low.rows('depthwise', low.dtype(0)).map(way));
}

/** Whether Winograd tiles compute it: the filters must be constants, since their transforms are larger. */
function takesWinograd(low: Lowering, window: WindowShape, pads: readonly number[], group: number): boolean {
  if (low.outDims().length !== 4 || group !== 1 || !low.in(1).buffer.constant) return false;
  if (window.kernel.join() !== '3,3' || window.strides.some((s) => s !== 1) || window.dilations.some((d) => d !== 1)) return false;
  return pads.every((n) => n >= 0 && n <= 2);
}

/** Winograd kernels by the side of their tiles, those that save the most first. */
const winogradTiles = [
  { op: 'conv_winograd', side: 4, reason: '3x3 by 4x4 tiles: a quarter of the products' },
  { op: 'conv_winograd2', side: 2, reason: '3x3 by 2x2 tiles: four ninths of the products' },
] as const;

/**
 * Whether tiles of that side pay: enough of them must share the filters, whose transforms are four (4x4) or nearly two
 * (2x2) times as large and come from memory, and enough channels the transforms of the tiles. 7x7 images have 4 tiles
 * of 4x4 and 16 of 2x2. Few channels are enough, as the plain sum does not fill vectors with them either: on Zen 4 6→6 at 32x32
 * takes 21 in place of 47 µs, 16→4 26 in place of 96, 64→4 at 56x56 221 in place of 662.
 */
function suitsWinograd(low: Lowering, side: number): boolean {
  const [batch, height, width, outChannels] = low.outDims() as [number, number, number, number];
  const tiles = batch * Math.ceil(height / side) * Math.ceil(width / side);
  return tiles >= 12 && (low.dims(0)[3] as number) >= 6 && outChannels >= 4;
}

/** One tap of stride 1 over constant weights, without padding: pixels × channels times channels × outputs. */
function pointProduct(low: Lowering, window: WindowShape, pads: readonly number[], group: number): readonly Way<unknown>[] {
  const [x, y] = [low.dims(0), low.outDims()];
  if (elementCount(window.kernel) !== 1 || group !== 1 || low.dtype(0) !== 'f32' || !low.in(1).buffer.constant) return [];
  if (window.strides.some((s) => s !== 1) || pads.some((n) => n !== 0)) return [];
  const [k, n] = [x.at(-1) as number, y.at(-1) as number];
  const bias = low.input(2);
  const product = {
    m: elementCount(y.slice(0, -1)),
    n,
    k,
    batch: [],
    a: { ref: low.in(0), batch: [], transposed: false },
    b: { ref: low.in(1), batch: [], transposed: true, value: low.node.input(1) },
    out: low.out(),
    rowStride: low.rowElements(),
    bias: bias && { ref: bias, row: 0, column: 1 as const },
    residual: low.input(3),
    activation: fusedActivation(low.node),
  };
  return productWays(low, product, 'float32');
}

/** The narrow row of a convolution. */
function narrowFor(low: Lowering, inPerGroup: number, size: ProductSize): NarrowChoice {
  const choice = low.narrow('conv', low.in(1), size);
  if (choice.row === undefined || inPerGroup >= NARROW_CHANNELS || size.k >= NARROW_DEPTH) return choice;
  return { ...choice, refused: 'float32, since rows of so few channels are gathered as slowly: ' };
}

function lower(low: Lowering, transposed: boolean): void {
  const { node } = low;
  const [x, w, y] = [low.dims(0), low.dims(1), low.outDims()];
  const rank = x.length - 2;
  const window = windowOf(node, w.slice(2));
  const pads = node.ints('pads', Array<number>(2 * rank).fill(0));
  const group = node.int('group', 1);
  const [channels, outChannels] = [x[rank + 1] as number, y[rank + 1] as number];
  if (!transposed && group > 1 && group === channels && channels === outChannels && rank <= 2) {
    lowerDepthwise(low, window, pads);
    return;
  }
  const taps = elementCount(window.kernel);
  const outPerGroup = outChannels / group;
  const params = {
    batch: x[0] as number,
    channels,
    outChannels,
    group,
    inSize: threeAxes(x.slice(1, -1), 1),
    outSize: threeAxes(y.slice(1, -1), 1),
    kernel: threeAxes(window.kernel, 1),
    strides: threeAxes(window.strides, 1),
    pads: threeAxes(pads.slice(0, rank), 0),
    dilations: threeAxes(window.dilations, 1),
    ldc: low.rowElements(),
    ...activationOf(node),
  };
  /** A kernel over panels of weights, each of which has `points` numbers a channel pair. */
  const panels = (pack: string, points: number, reason: string) => {
    return (row: KernelRow): Way<unknown> => ({
      name: row.name,
      reason,
      emit: (chosen) => {
        const [packed] = low.emit(
          low.select(pack, low.dtype(1)),
          convPackParams,
          { group, outPerGroup, inPerGroup: channels / group, taps, transposed: transposed ? 1 : 0, lanes: row.kr, vectors: row.nr / row.kr },
          [low.temp(points * channels * Math.ceil(outPerGroup / row.kr) * row.kr * 4, 'weights')],
          [low.in(1)],
          { reason: `panels of ${row.nr} columns for ${row.name}` },
        );
        low.emit(row, convParams, params, [low.out()], [low.in(0), packed, low.input(2), low.input(3)], { reason: chosen });
      },
    });
  };
  const inner = channels / group;
  const layout = { count: group, stride: outPerGroup * inner * taps, n: outPerGroup, strideN: inner * taps };
  const wide = { ...layout, outer: taps, strideOuter: 1, inner, strideInner: taps };
  const narrow = (type: NarrowType, row: KernelRow): Way<unknown> => ({
    name: row.name,
    reason: `operands rounded to ${type.title}, windows gathered on the way`,
    emit: (reason) => {
      const weights = packNarrow(low, type, row, low.in(1), wide);
      low.emit(row, convParams, params, [low.out()], [low.in(0), weights, low.input(2), low.input(3)], { reason });
    },
  });
  const rounded = transposed || low.dtype(0) !== 'f32' ? {} : narrowFor(low, inner, { m: elementCount(y.slice(0, -1)), n: outPerGroup, k: taps * inner });
  const sparse =
    transposed || low.dtype(0) !== 'f32' || !low.in(1).buffer.constant
      ? []
      : sharedWays(low, elementCount(y.slice(0, -1)), { ref: low.in(1), value: node.input(1), layout: wide }, (row, packed, reason) =>
          low.emit(row, convParams, params, [low.out()], [low.in(0), packed.panels, low.input(2), low.input(3)], { reason }),
        );
  const plain = taps === 1 ? 'one tap: a matrix product over pixels, in place' : 'implicit matrix product over pointers to pixels';
  const direct = [...sparse, ...low.rows(transposed ? 'conv_transpose' : 'conv', low.dtype(0)).map(panels('conv_pack', taps, plain))];
  if (transposed || !takesWinograd(low, window, pads, group)) {
    const stem = !transposed && !low.has(3) && low.dtype(0) === 'f32' && suitsStem(channels, true, window, group);
    const first = stem ? stemWays(low, true, window, pads, low.rowElements(), activationOf(node)) : [];
    const ways = transposed ? direct : [...first, ...direct, ...pointProduct(low, window, pads, group)];
    low.choose(stem ? ways : withNarrow(rounded, narrow, ways));
    return;
  }
  const waysOf = (suited: boolean) =>
    winogradTiles
      .filter(({ side }) => suitsWinograd(low, side) === suited)
      .flatMap(({ op, side, reason }) => {
        const row = low.trySelect(op, low.dtype(0));
        return row === undefined ? [] : [panels(`${op}_pack`, (side + 2) ** 2, reason)(row)];
      });
  const [tiles, others] = [waysOf(true), waysOf(false)];
  if (tiles.length === 0) low.choose(withNarrow(rounded, narrow, [...direct, ...others]));
  // Twice the products a cycle save less than doing a quarter of them; sixteen times as many (AMX) save more.
  else if (rounded.row === undefined || rounded.row.isa === 'amx' || tiles[0]?.name.startsWith('conv_winograd2'))
    low.choose(withNarrow(rounded, narrow, [...tiles, ...direct, ...others]));
  else
    low.choose(withNarrow({ ...rounded, refused: `float32, since ${rounded.type?.title} does not save as much: ` }, narrow, [...tiles, ...direct, ...others]));
}

export const convOperators: readonly Operator[] = [
  { name: 'Conv', domain: '', infer: (q) => inferConv(q, false, false) },
  { name: 'ConvTranspose', domain: '', infer: (q) => inferConv(q, false, true) },
  // x [N, spatial…, C], w [M, C/g, kernel…], bias?, residual? (as the output)
  { name: 'Conv', domain: 'dsnk', writesRows: true, infer: (q) => inferConv(q, true, false), lower: (low) => lower(low, false) },
  // x [N, C, H, W], w [M, C, kH, kW], bias? → y [N, OH, OW, M]: the first convolution of an image network
  {
    name: 'StemConv',
    domain: 'dsnk',
    writesRows: true,
    infer: inferStem,
    lower: (low) => {
      const window = windowOf(low.node, low.dims(1).slice(2));
      const pads = low.node.ints('pads', [0, 0, 0, 0]);
      low.choose(stemWays(low, false, window, pads, low.rowElements(), activationOf(low.node)));
    },
  },
  // x [N, spatial…, C], w [C, M/g, kernel…], bias?, residual?; attribute output_shape (spatial) settles the output
  { name: 'ConvTranspose', domain: 'dsnk', writesRows: true, infer: (q) => inferConv(q, true, true), lower: (low) => lower(low, true) },
];
