/** DFT and STFT. The last dimension of every signal holds one part (real) or two (real, imaginary). */
import type { Lowering } from '../compile/lowering.js';
import { addDim, type Dim, elementCount, floorDivDim, subDim } from '../graph/dim.js';
import type { Node } from '../graph/graph.js';
import { dftParams } from '../kernels/spectral.js';
import type { Inference, Operator, OutputType } from './operator.js';

function parts(q: Inference): number {
  const shape = q.shape(0);
  const last = shape[shape.length - 1];
  if (shape.length < 2 || (last !== 1 && last !== 2)) q.fail('the last dimension of a signal must be 1 or 2', q.inputTexts());
  return last as number;
}

// DFT

function flags(node: Node) {
  return { inverse: node.int('inverse', 0) !== 0, onesided: node.int('onesided', 0) !== 0 };
}

/** The transform's length: given, or that of the axis; a one-sided spectrum stands for nearly twice as many points. */
function points(node: Node, given: number | undefined, length: Dim): Dim {
  if (given !== undefined) return given;
  const { inverse, onesided } = flags(node);
  if (!inverse || !onesided) return length;
  return typeof length === 'number' ? 2 * (length - 1) : `2*(${length}-1)`;
}

function inferDft(q: Inference): OutputType[] {
  const shape = q.shape(0);
  const { inverse, onesided } = flags(q.node);
  const inParts = parts(q);
  if (onesided && (inverse ? inParts !== 2 : inParts !== 1)) q.fail('onesided must come with a real signal, or with a complex one and inverse');
  const axis = q.axis(q.has(2) ? (q.numbers(2)[0] as number) : q.node.int('axis', -2), shape.length);
  if (axis === shape.length - 1) q.fail('axis must not be that of the parts');
  const n = points(q.node, q.has(1) ? q.numbers(1)[0] : undefined, shape[axis] as Dim);
  if (typeof n === 'number' && n < 1) q.fail('a transform must have at least one point', `${n} came`);
  const out: Dim[] = [...shape.slice(0, -1), inverse && onesided ? 1 : 2];
  out[axis] = onesided && !inverse ? addDim(floorDivDim(n, 2), 1) : n;
  return [{ dtype: q.dtype(0), shape: out }];
}

function lowerDft(low: Lowering): void {
  const { node } = low;
  const dims = low.dims(0);
  const { inverse, onesided } = flags(node);
  const given = low.has(2) ? (low.numbers(2)[0] as number) : node.int('axis', -2);
  const axis = given < 0 ? given + dims.length : given;
  const length = dims[axis] as number;
  const n = points(node, low.has(1) ? low.numbers(1)[0] : undefined, length) as number;
  const mirrored = inverse && onesided;
  low.emit(
    low.select('dft', low.dtype(0)),
    dftParams,
    {
      outer: elementCount(dims.slice(0, axis)),
      length,
      inner: elementCount(dims.slice(axis + 1, -1)),
      frames: 1,
      step: 0,
      taken: Math.min(length, mirrored ? Math.floor(n / 2) + 1 : n),
      n,
      bins: low.outDims()[axis] as number,
      inParts: dims[dims.length - 1] as number,
      outParts: mirrored ? 1 : 2,
      inverse: inverse ? 1 : 0,
      mirrored: mirrored ? 1 : 0,
    },
    [low.out()],
    [low.in(0), undefined],
  );
}

// STFT

/** Points of a frame: its length as given, or that of the window. */
function frameLength(q: Inference): Dim {
  if (q.has(3)) return q.numbers(3)[0] as number;
  if (!q.has(2)) q.fail('window or frame_length must be given');
  return q.shape(2)[0] as Dim;
}

function inferStft(q: Inference): OutputType[] {
  const shape = q.shape(0);
  if (shape.length !== 3) q.fail('signal must be [batch, length, 1 or 2]', q.inputTexts());
  const inParts = parts(q);
  const onesided = q.node.int('onesided', 1) !== 0;
  if (onesided && inParts === 2) q.fail('onesided must come with a real signal', q.inputTexts());
  const step = q.numbers(1)[0] as number;
  const n = frameLength(q);
  if (step < 1 || (typeof n === 'number' && n < 1)) q.fail('frame_step and frame_length must be positive', `${step} and ${n} came`);
  const window = q.has(2) ? q.shape(2)[0] : n;
  if (typeof window === 'number' && typeof n === 'number' && window !== n) q.fail('window must hold frame_length numbers', `${window} came`);
  const [batch, length] = shape as [Dim, Dim];
  if (typeof length === 'number' && typeof n === 'number' && length < n) q.fail('signal must be at least one frame long', `${length} of ${n} came`);
  const frames = addDim(floorDivDim(subDim(length, n), step), 1);
  return [{ dtype: q.dtype(0), shape: [batch, frames, onesided ? addDim(floorDivDim(n, 2), 1) : n, 2] }];
}

function lowerStft(low: Lowering): void {
  const [outer, length, inParts] = low.dims(0) as [number, number, number];
  const [, frames, bins] = low.outDims() as [number, number, number];
  const n = low.has(3) ? (low.numbers(3)[0] as number) : (low.dims(2)[0] as number);
  low.emit(
    low.select('dft', low.dtype(0)),
    dftParams,
    { outer, length, inner: 1, frames, step: low.numbers(1)[0] as number, taken: n, n, bins, inParts, outParts: 2, inverse: 0, mirrored: 0 },
    [low.out()],
    [low.in(0), low.input(2)],
  );
}

export const spectralOperators: readonly Operator[] = [
  { name: 'DFT', domain: '', since: 17, infer: inferDft, lower: lowerDft },
  { name: 'STFT', domain: '', since: 17, infer: inferStft, lower: lowerStft },
];
