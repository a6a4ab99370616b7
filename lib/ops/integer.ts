/**
 * Products of quantized tensors in integers: unsigned activations, constant signed weights, one requantization. Passes make
 * these nodes from models in either form of quantization.
 *
 * Attributes of both: `x_zero`; `out` (uint8 by default, float32, int32); of bytes `y_zero`, `lo`, `hi`; with a residual
 * also `t_zero`, `t_lo`, `t_hi`, `t_ratio` (0: what is added is not rounded before), `r_zero`, `r_ratio`. Inputs from the third on: bias i32?, m f32 (one multiplier
 * or one per column; left out for int32), residual u8?, addend f32? (float32 only). Weights are int8, or uint8 around a
 * zero point of 128. The arithmetic stands in native/kernels/integer/ending.inl.
 */
import type { KernelRow } from '../compile/catalogue.js';
import type { Way } from '../compile/choice.js';
import type { Lowering } from '../compile/lowering.js';
import type { ProductSize } from '../compile/precision.js';
import type { WeightLayout } from '../compile/sparsity.js';
import type { Ref } from '../compile/step.js';
import type { DType } from '../dtype.js';
import { type Dim, elementCount, type Shape } from '../graph/dim.js';
import type { Node } from '../graph/graph.js';
import { fillsWarpgroups } from '../kernels/gemm.js';
import {
  activationOffset,
  BYTE_WEIGHTS,
  byteSumParams,
  depthwiseBytesParams,
  depthwisePackedBytes,
  depthwisePackParams,
  depthwisePattern,
  depthwisePatternFor,
  integerConvolutionParams,
  integerGemmParams,
  integerOutput,
  integerPackParams,
  packedBytes,
  paddedRows,
  paddedRun,
} from '../kernels/integer.js';
import { shapesOf } from './conv.js';
import { emitExpression, input } from './expression.js';
import type { Inference, Operator } from './operator.js';
import { rowsAsPixels, type SparseWeights, sharedWays, sparseRowsWays } from './sparse.js';
import { checkWindow, threeAxes, type WindowShape, windowOf, windowOutput } from './spatial.js';

const outputs = { uint8: 'u8', float32: 'f32', int32: 'i32' } as const;

function outputOf(node: Node): keyof typeof outputs {
  return node.string('out', 'uint8') as keyof typeof outputs;
}

/** Checks what both operators have beside their factors, and types the result. */
function inferEnding(q: Inference, shape: Shape, columns: Dim): { dtype: DType; shape: Shape } {
  const out = outputOf(q.node);
  if (!Object.hasOwn(outputs, out)) q.fail('out must be uint8, float32 or int32', out);
  if (q.dtype(0) !== 'uint8') q.failDtype('activations must be uint8');
  if (q.dtype(1) !== 'int8' && q.dtype(1) !== 'uint8') q.failDtype('weights must be int8, or uint8 around 128');
  const vector = (i: number, dtype: DType, one: boolean) => {
    if (!q.has(i)) return;
    if (q.dtype(i) !== dtype) q.failDtype(`input ${i} must be ${dtype}`);
    const count = q.shape(i).length === 0 ? 1 : q.shape(i)[0];
    if (q.shape(i).length > 1 || (typeof count === 'number' && typeof columns === 'number' && count !== columns && !(one && count === 1)))
      q.fail(`input ${i} must hold ${columns} numbers`, q.inputTexts());
  };
  vector(2, 'int32', false);
  vector(3, 'float32', true);
  vector(5, 'float32', false);
  if (out !== 'int32' && !q.has(3)) q.fail('multipliers must be there', `out ${out}`);
  if (q.has(5) && out !== 'float32') q.fail('only a float32 result takes an addend', `out ${out}`);
  if (q.has(4)) {
    if (out !== 'uint8' || q.dtype(4) !== 'uint8') q.failDtype('a residual and the result with it must be uint8');
    if (q.shape(4).join() !== shape.join()) q.fail(`residual must have the output's shape [${shape.join(',')}]`, q.inputTexts());
  }
  return { dtype: out, shape };
}

function endingOf(low: Lowering) {
  const { node } = low;
  return {
    output: integerOutput.value(outputs[outputOf(node)]),
    perColumn: low.has(3) && elementCount(low.dims(3)) !== 1 ? 1 : 0,
    zero: node.int('y_zero', 0),
    low: node.int('lo', 0),
    high: node.int('hi', 255),
    sumZero: node.int('t_zero', 0),
    sumLow: node.int('t_lo', 0),
    sumHigh: node.int('t_hi', 255),
    residualZero: node.int('r_zero', 0),
    sumRatio: node.float('t_ratio', 1),
    residualRatio: node.float('r_ratio', 1),
  };
}

/** Weights as a row wants them, and the bias with the activations' zero point folded in. */
function packWeights(low: Lowering, row: KernelRow, layout: WeightLayout, rowTaps = 0): { readonly panels: Ref; readonly bias: Ref } {
  const { count, n, outer, inner } = layout;
  const given = low.input(2);
  const isLate = given !== undefined && !given.buffer.constant;
  const [panels, bias] = low.emit(
    low.select('integer_pack', 'i8'),
    integerPackParams,
    {
      ...layout,
      nr: row.nr,
      kr: row.kr,
      zero: low.node.int('x_zero', 0) - activationOffset(row.isa),
      flip: low.node.input(1).type === 'uint8' ? 0x80 : 0,
      rowTaps,
      reserved: 0,
    },
    [low.temp(count * packedBytes(paddedRows(outer, inner, rowTaps, row.kr), n, row.nr, row.kr), 'weights'), low.temp(4 * count * n, 'bias')],
    [low.in(1), isLate ? undefined : given],
    { reason: `bytes in panels of ${row.nr} columns for ${row.name}, zero point folded into the bias` },
  );
  if (!isLate) return { panels: panels as Ref, bias: bias as Ref };
  // A bias that is only known at run time joins what was folded into none: weights are packed once.
  const vector = (ref: Ref) => ({ ref, dtype: 'int32' as const, dims: [count * n] });
  const sum = low.temp(4 * count * n, 'bias');
  emitExpression(low, [{ op: 'add', terms: [input(0), input(1)] }], vector(sum), [vector(bias as Ref), vector(given)]);
  return { panels: panels as Ref, bias: sum };
}

/** The same for rows that skip zeros; undefined where the bias is only known at run time, and cannot be folded. */
function sparseWeights(low: Lowering, layout: WeightLayout): SparseWeights | undefined {
  const bias = low.input(2);
  if (!low.in(1).buffer.constant || (bias !== undefined && !bias.buffer.constant)) return undefined;
  const flip = low.node.input(1).type === 'uint8' ? 0x80 : 0;
  return { ref: low.in(1), value: low.node.input(1), layout, bytes: { bias, xZero: low.node.int('x_zero', 0), flip } };
}

/** Rows that multiply twice as fast as those of other ISAs: what skips half is no faster than they are. */
const isTwiceAsFast = (ways: readonly Way<void>[]) => /_(amx|i8mm|sm\d+)$/.test(ways[0]?.name ?? '');

/** Below these a tile of AMX is mostly padding. */
const TILE_ROWS = 16;
const TILE_DEPTH = 64;

/** The rows for a product of m rows, n columns and sums over k, those that suit it first. */
function waysOf(low: Lowering, op: string, { m, n, k }: ProductSize, emit: (row: KernelRow, reason: string) => void): readonly Way<void>[] {
  const rows = low.rows(op, BYTE_WEIGHTS);
  const suits = (row: KernelRow) => (row.isa === 'amx' ? m >= TILE_ROWS && k >= TILE_DEPTH : row.isa !== 'sm90' || fillsWarpgroups(m, n, k));
  return [...rows.filter(suits), ...rows.filter((row) => !suits(row))].map(
    (row): Way<void> => ({ name: row.name, reason: 'exact products of bytes', emit: (reason) => emit(row, reason) }),
  );
}

/** Pixels of a tile, and columns from which on gathering a window costs little beside multiplying it. */
const STRIP_WIDTH = 14;
const STRIP_COLUMNS = 192;
/** The kernel's limit of padding in a row. */
const STRIP_PADDING = 64;

/** Of a row of taps, by which it may grow. */
const MOST_PADDING = 1.5;

/** Whether windows should be read from copied rows: where few columns share one, and tiles fill a row of output. */
function suitsStrips(row: KernelRow, window: WindowShape, group: number, x: readonly number[], y: readonly number[]): boolean {
  const { kernel, strides, dilations } = window;
  const [width, channels, outChannels] = [y.at(-2), x.at(-1), y.at(-1)] as [number, number, number];
  if (kernel.length !== 2 || group !== 1 || elementCount(kernel) === 1 || channels > 4096 || outChannels > STRIP_COLUMNS) return false;
  if (kernel.some((n) => n > 16) || strides.some((n) => n > 8) || dilations.some((n) => n !== 1)) return false;
  const seen = (width - 1) * (strides[1] as number) + (kernel[1] as number);
  if ((x[1] as number) === 0 || seen > (x[2] as number) + STRIP_PADDING) return false;
  const run = (kernel[1] as number) * channels;
  return width >= STRIP_WIDTH && Math.ceil(width / STRIP_WIDTH) * STRIP_WIDTH <= 1.2 * width && paddedRun(run, row.kr) <= MOST_PADDING * run;
}

function inferConv(q: Inference) {
  const { size, batch, outChannels, window } = shapesOf(q, true, false);
  checkWindow(q, window);
  if (size.length > 3) q.fail('convolutions must have at most 3 spatial dimensions', q.inputTexts());
  return [inferEnding(q, [batch, ...windowOutput(q, size, window), outChannels], outChannels)];
}

function lowerDepthwise(low: Lowering, window: WindowShape, pads: readonly number[]): void {
  const { node } = low;
  const [x, y] = [low.dims(0), low.outDims()];
  const two = (list: readonly number[], fill: number) => threeAxes(list, fill).slice(1);
  const channels = x.at(-1) as number;
  const [kernel, strides, dilations] = [two(window.kernel, 1), two(window.strides, 1), two(window.dilations, 1)];
  const ending = endingOf(low);
  const way = (row: KernelRow): Way<void> => ({
    name: row.name,
    reason: 'depthwise: one filter a channel, exact sums of bytes',
    emit: (reason) => {
      const pattern = depthwisePatternFor(row, kernel, strides, dilations);
      const common = { kernel, pattern: depthwisePattern.value(pattern) };
      const [packed, bias] = low.emit(
        low.select('depthwise_i8_pack', 'i8'),
        depthwisePackParams,
        {
          channels,
          nr: row.nr,
          kr: row.kr,
          ...common,
          zero: node.int('x_zero', 0) - activationOffset(row.isa),
          flip: node.input(1).type === 'uint8' ? 0x80 : 0,
          perColumn: ending.perColumn,
        },
        [low.temp(depthwisePackedBytes(channels, kernel, row.nr, row.kr, pattern), 'weights'), low.temp(4 * channels, 'bias')],
        [low.in(1), low.input(2), low.input(3)],
        { reason: `filters, bias and multipliers in blocks of ${row.nr} channels for ${row.name}` },
      );
      low.emit(
        row,
        depthwiseBytesParams,
        {
          batch: x[0] as number,
          channels,
          inSize: two(x.slice(1, -1), 1),
          outSize: two(y.slice(1, -1), 1),
          ...common,
          strides,
          pads: two(pads.slice(0, window.kernel.length), 0),
          dilations,
          ldc: low.rowElements(),
          padding: node.int('x_zero', 0),
          ...ending,
        },
        [low.out()],
        [low.in(0), packed, bias, low.input(3), low.input(4), low.input(5)],
        { reason },
      );
    },
  });
  low.choose(low.rows('depthwise_i8', BYTE_WEIGHTS).map(way));
}

function lowerConv(low: Lowering): void {
  const { node } = low;
  const [x, w, y] = [low.dims(0), low.dims(1), low.outDims()];
  const rank = x.length - 2;
  const window = windowOf(node, w.slice(2));
  const pads = node.ints('pads', Array<number>(2 * rank).fill(0));
  const group = node.int('group', 1);
  const [channels, outChannels] = [x[rank + 1] as number, y[rank + 1] as number];
  if (group > 1 && group === channels && channels === outChannels && rank <= 2) {
    lowerDepthwise(low, window, pads);
    return;
  }
  const [taps, inner, n] = [elementCount(window.kernel), channels / group, outChannels / group];
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
    padding: node.int('x_zero', 0),
    ...endingOf(low),
  };
  const layout = { count: group, stride: n * inner * taps, n, strideN: inner * taps, outer: taps, strideOuter: 1, inner, strideInner: taps };
  const emit = (row: KernelRow, reason: string, rowTaps = 0) => {
    const { panels, bias } = packWeights(low, row, layout, rowTaps);
    low.emit(row, integerConvolutionParams, params, [low.out()], [low.in(0), panels, bias, low.input(3), low.input(4), low.input(5)], { reason });
  };
  const gathered = waysOf(low, 'conv_i8', { m: elementCount(y.slice(0, -1)), n, k: taps * inner }, emit);
  const strips = low.rows('conv_rows_i8', BYTE_WEIGHTS).filter((row) => row.isa !== 'scalar' && suitsStrips(row, window, group, x, y));
  const ways = strips.map(
    (row): Way<void> => ({
      name: row.name,
      reason: 'exact products of bytes, windows read from copied rows',
      emit: (reason) => emit(row, reason, window.kernel[1] as number),
    }),
  );
  // Tiles of AMX, products of 2x8 by 8x2 and GPUs have no rows of this kind, and multiply twice as fast as those that have.
  const dense = isTwiceAsFast(gathered) ? [...gathered, ...ways] : [...ways, ...gathered];
  const weights = sparseWeights(low, layout);
  const sparse =
    weights === undefined || isTwiceAsFast(gathered)
      ? []
      : sharedWays(
          low,
          elementCount(y.slice(0, -1)),
          weights,
          (row, { panels, bias }, reason) =>
            void low.emit(row, integerConvolutionParams, params, [low.out()], [low.in(0), panels, bias, low.input(3), low.input(4), low.input(5)], { reason }),
        );
  low.choose([...sparse, ...dense]);
}

const transposed = (node: Node) => node.int('transB', 0) !== 0;

function inferMatMul(q: Inference) {
  const [a, b] = [q.shape(0), q.shape(1)];
  if (a.length < 1 || b.length !== 2) q.fail('weights must be a matrix, activations at least a vector', q.inputTexts());
  const [k, n] = transposed(q.node) ? [b[1] as Dim, b[0] as Dim] : [b[0] as Dim, b[1] as Dim];
  const own = a.at(-1);
  if (typeof own === 'number' && typeof k === 'number' && own !== k) q.fail('inner dimensions must be equal', q.inputTexts());
  return [inferEnding(q, [...a.slice(0, -1), n], n)];
}

function lowerMatMul(low: Lowering): void {
  const [k, n] = [low.dims(0).at(-1) as number, low.outDims().at(-1) as number];
  const m = elementCount(low.dims(0).slice(0, -1));
  const params = { m, n, k, lda: k, ldc: low.rowElements(), residualRow: n, ...endingOf(low), reserved: 0 };
  const [strideN, strideInner] = transposed(low.node) ? [k, 1] : [1, n];
  const layout = { count: 1, stride: 0, n, strideN, outer: 1, strideOuter: 0, inner: k, strideInner };
  const rest = () => [low.input(3), low.input(4), low.input(5)];
  const ways = waysOf(low, 'gemm_i8', { m, n, k }, (row, reason) => {
    const { panels, bias } = packWeights(low, row, layout);
    low.emit(row, integerGemmParams, params, [low.out()], [low.in(0), panels, bias, ...rest()], { reason });
  });
  const weights = sparseWeights(low, layout);
  if (weights === undefined || /_sm90$/.test(ways[0]?.name ?? '')) {
    low.choose(ways);
    return;
  }
  const few = sparseRowsWays(
    low,
    m,
    weights,
    (row, { panels, bias }, reason) => void low.emit(row, integerGemmParams, params, [low.out()], [low.in(0), panels, bias, ...rest()], { reason }),
  );
  const pixels = { ...rowsAsPixels(m, k, n, low.rowElements()), padding: 0, ...endingOf(low) };
  const shared = isTwiceAsFast(ways)
    ? []
    : sharedWays(
        low,
        m,
        weights,
        (row, { panels, bias }, reason) => void low.emit(row, integerConvolutionParams, pixels, [low.out()], [low.in(0), panels, bias, ...rest()], { reason }),
      );
  low.choose([...few, ...shared, ...ways]);
}

function inferAdd(q: Inference) {
  if (q.dtype(0) !== 'uint8' || q.dtype(1) !== 'uint8') q.failDtype('elements must be uint8');
  if (q.shape(0).join() !== q.shape(1).join()) q.fail('both inputs must have one shape', q.inputTexts());
  return [{ dtype: 'uint8' as const, shape: q.shape(0) }];
}

function lowerAdd(low: Lowering): void {
  const { node } = low;
  const params = {
    count: elementCount(low.outDims()),
    aZero: node.int('a_zero', 0),
    bZero: node.int('b_zero', 0),
    zero: node.int('y_zero', 0),
    low: node.int('lo', 0),
    high: node.int('hi', 255),
    aRatio: node.float('a_ratio', 1),
    bRatio: node.float('b_ratio', 1),
    reserved: 0,
  };
  low.emit(low.select('sum_i8', 'u8'), byteSumParams, params, [low.out()], [low.in(0), low.in(1)], { reason: 'sums of bytes' });
}

export const integerOperators: readonly Operator[] = [
  // x u8 [N, spatial…, C], w [M, C/g, kernel…]; attributes of dsnk.Conv besides
  { name: 'QConv', domain: 'dsnk', writesRows: true, infer: inferConv, lower: lowerConv },
  // a u8 [.., M, K], b [K, N], or [N, K] with transB
  { name: 'QMatMul', domain: 'dsnk', writesRows: true, infer: inferMatMul, lower: lowerMatMul },
  // a, b u8 of one shape; attributes a_zero, a_ratio, b_zero, b_ratio, y_zero, lo, hi
  { name: 'QAdd', domain: 'dsnk', infer: inferAdd, lower: lowerAdd },
];
