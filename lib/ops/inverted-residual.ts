/**
 * `dsnk.InvertedResidual`: a depthwise convolution with the 1x1 convolutions around it as one kernel call. The tensors between them are
 * never whole: the kernel makes bands of their rows in its scratch.
 *
 * Inputs: x [N,H,W,C], expanding weights [E,C,1,1]?, their bias [E]?, depthwise weights [E,1,kH,kW], their bias [E]?, projecting weights
 * [M,E,1,1]?, their bias [M]?, residual [N,OH,OW,M]?. Attributes: strides, pads of the depthwise convolution; activation, alpha, beta of each
 * stage behind `expand_`, `depthwise_` and `project_`.
 */
import type { Lowering } from '../compile/lowering.js';
import type { Ref } from '../compile/step.js';
import type { Dim } from '../graph/dim.js';
import { gemmPackBParams, packedElements } from '../kernels/gemm.js';
import { invertedResidualParams } from '../kernels/inverted-residual.js';
import { activationOf, packDepthwise } from './conv.js';
import type { Inference, Operator } from './operator.js';
import { windowOf, windowOutput } from './spatial.js';

/** Positions of the inputs. */
export const residualInput = { x: 0, expand: 1, depthwise: 3, project: 5, residual: 7 } as const;

/** Second-level cache that one thread counts on: 1 MB or more on server cores of the last years. */
const L2_BYTES = 1 << 20;

/**
 * Output pixels of a band: two blocks of the register tile's 14 rows. Alone, blocks of MobileNetV2 took the same time within 1 % with bands of 1 to
 * 16 rows; in the network short ones won, because ring, band and weights share L2: 96→576→160 at 14x14 against its stages apart 0.97 … 1.02 with
 * at most 28 pixels, 1.06 with 56.
 */
const BAND_PIXELS = 28;

/** Sizes that decide how many rows a band has. */
export interface BandShape {
  readonly rows: number;
  readonly inRows: number;
  /** Bytes of one expanded row; 0 where nothing expands. */
  readonly expandedRow: number;
  /** Bytes of one depthwise row; 0 where nothing projects. */
  readonly depthwiseRow: number;
  readonly kernel: number;
  readonly stride: number;
  /** Rows past which a longer band gains nothing. */
  readonly most: number;
}

/** Bytes of scratch that bands of that many rows need. */
export function bandBytes(s: BandShape, rows: number): number {
  return Math.min((rows - 1) * s.stride + s.kernel, s.inRows) * s.expandedRow + rows * s.depthwiseRow;
}

/**
 * Output rows of a band: as many as keep it in half of L2, where the other half is for weights, x and y; 0 where not even one row does.
 */
export function bandRows(s: BandShape): number {
  let rows = Math.min(s.rows, s.most);
  while (rows > 0 && bandBytes(s, rows) > L2_BYTES / 2) rows--;
  return rows;
}

/** The band of a depthwise convolution x → y over `kernel`, with or without the stages around it. */
export function bandShape(
  x: readonly number[],
  y: readonly number[],
  hidden: number,
  kernel: number,
  stride: number,
  expand: boolean,
  project: boolean,
): BandShape {
  const [, inRows, inColumns] = x as [number, number, number];
  const [, rows, columns] = y as [number, number, number];
  return {
    rows,
    inRows,
    expandedRow: expand ? inColumns * hidden * 4 : 0,
    depthwiseRow: project ? columns * hidden * 4 : 0,
    kernel,
    stride,
    most: Math.ceil(BAND_PIXELS / columns),
  };
}

function infer(q: Inference) {
  const { x: input, expand, depthwise, project, residual } = residualInput;
  const [batch, height, width] = q.shape(input) as [Dim, Dim, Dim];
  const [hidden, , ...kernel] = q.shape(depthwise) as number[];
  const out = windowOutput(q, [height, width], windowOf(q.node, kernel));
  const shape = [batch, ...out, (q.has(project) ? q.shape(project)[0] : hidden) as Dim];
  const channels = (q.has(expand) ? q.shape(expand)[0] : q.shape(input)[3]) as Dim;
  if (channels !== hidden || (q.has(project) && q.shape(project)[1] !== hidden)) q.fail('the stages must agree on the hidden channels', q.inputTexts());
  if (q.has(residual) && q.shape(residual).join() !== shape.join())
    q.fail(`residual must have the output's shape [${shape.join(',')}]`, `[${q.shape(residual).join(',')}] came`);
  return [{ dtype: q.dtype(input), shape }];
}

/** Weights of a 1x1 convolution in panels, where the stage is there. */
function packed(low: Lowering, i: number, nr: number): Ref | undefined {
  if (!low.has(i)) return undefined;
  const [n, k] = low.dims(i) as [number, number];
  return low.emit(
    low.select('gemm_pack_b', 'f32'),
    gemmPackBParams,
    { count: 1, k, n, ldb: k, stride: k * n, transB: 1, nr },
    [low.temp(4 * packedElements(k, n, nr), 'weights')],
    [low.in(i)],
    { reason: `panels of ${nr} columns` },
  )[0];
}

function lower(low: Lowering): void {
  const { node } = low;
  const { x: input, expand, depthwise, project, residual } = residualInput;
  const kernel = low.select('inverted_residual', low.dtype(input));
  const [x, y] = [low.dims(input), low.outDims()];
  const [hidden, , ...window] = low.dims(depthwise) as [number, number, number, number];
  const strides = node.ints('strides', [1, 1]);
  const shape = bandShape(x, y, hidden, window[0], strides[0] as number, low.has(expand), low.has(project));
  const rows = Math.max(1, bandRows(shape));
  const [first, middle, last] = [activationOf(node, 'expand_'), activationOf(node, 'depthwise_'), activationOf(node, 'project_')];
  low.emit(
    kernel,
    invertedResidualParams,
    {
      batch: x[0] as number,
      channels: x[3] as number,
      hidden,
      outChannels: y[3] as number,
      inSize: x.slice(1, 3),
      outSize: y.slice(1, 3),
      kernel: window,
      strides,
      pads: node.ints('pads', [0, 0, 0, 0]).slice(0, 2),
      expand: low.has(expand) ? 1 : 0,
      project: low.has(project) ? 1 : 0,
      bandRows: rows,
      ldc: low.rowElements(),
      expandActivation: first.activation,
      expandAlpha: first.alpha,
      expandBeta: first.beta,
      depthwiseActivation: middle.activation,
      depthwiseAlpha: middle.alpha,
      depthwiseBeta: middle.beta,
      projectActivation: last.activation,
      projectAlpha: last.alpha,
      projectBeta: last.beta,
    },
    [low.out()],
    [
      low.in(input),
      packed(low, expand, kernel.nr),
      low.input(expand + 1),
      packDepthwise(low, low.in(depthwise), window[0] * window[1], hidden),
      low.input(depthwise + 1),
      packed(low, project, kernel.nr),
      low.input(project + 1),
      low.input(residual),
    ],
    { reason: `bands of ${rows} rows: the hidden tensors stay in L2` },
  );
}

export const invertedResidualOperators: readonly Operator[] = [{ name: 'InvertedResidual', domain: 'dsnk', writesRows: true, infer, lower }];
