/** Operators that only permute: one strided view each. */
import type { Lowering } from '../compile/lowering.js';
import { type Dim, floorDivDim, isConcrete, mulDim } from '../graph/dim.js';
import type { Node } from '../graph/graph.js';
import { movableElements, orUnknown, refuseParts, stridesOf, viewElements } from './known.js';
import type { Inference, Operator } from './operator.js';
import { denseView, lowerView, type View } from './strided.js';

const permutationOf = (node: Node, rank: number) =>
  node.ints(
    'perm',
    Array.from({ length: rank }, (_, d) => rank - 1 - d),
  );

/** The view whose dimension i is dimension perm[i] of the other one. */
export function permuteView(view: View, perm: readonly number[]): View {
  return { dims: perm.map((p) => view.dims[p] as number), strides: perm.map((p) => view.strides[p] as number), offset: view.offset };
}

const transpose: Operator = {
  name: 'Transpose',
  domain: '',
  infer(q) {
    const dtype = refuseParts(q, 0);
    const from = orUnknown(q, () => q.shape(0));
    if (from === undefined) {
      const perm = q.node.attrs.get('perm');
      return [{ dtype, shape: Array.isArray(perm) ? perm.map((_, d) => `${q.unknownDim()}_${d}`) : undefined }];
    }
    const perm = permutationOf(q.node, from.length);
    q.node.attrs.set('perm', perm); // written out for the passes
    if (perm.length !== from.length || new Set(perm).size !== perm.length || perm.some((p) => p < 0 || p >= from.length)) {
      q.fail(`perm must be a permutation of ${from.length} axes`, `[${perm}] came`);
    }
    const shape = perm.map((p) => from[p] as Dim);
    const elements = isConcrete(from) ? movableElements(q, 0) : undefined;
    const known = elements && viewElements(elements, shape as number[], permuteView(denseView(from as number[]), perm).strides);
    return [{ dtype, shape, known }];
  },
  lower(low) {
    const dims = low.dims(0);
    lowerView(low, 0, low.in(0), permuteView(denseView(dims), permutationOf(low.node, dims.length)));
  },
};

/** Dimensions N, C, H, W of input 0 and the block size. */
function blockOf(q: Inference): { shape: readonly [Dim, Dim, Dim, Dim]; block: number } | undefined {
  return orUnknown(q, () => {
    const shape = q.shape(0);
    const block = q.node.int('blocksize');
    if (shape.length !== 4) q.fail('input must have 4 dimensions', q.inputTexts());
    if (block < 1) q.fail('blocksize must be positive', `${block} came`);
    return { shape: shape as unknown as readonly [Dim, Dim, Dim, Dim], block };
  });
}

/** Refuses a number that the divisor does not divide; symbols pass. */
function divided(q: Inference, d: Dim, by: number, what: string): Dim {
  if (typeof d === 'number' && d % by !== 0) q.fail(`${what} must be a multiple of ${by}`, q.inputTexts());
  return floorDivDim(d, by);
}

/** Regroups input 0 as `dims`, permutes, and calls the result output 0. */
function lowerShuffle(low: Lowering, dims: readonly number[], perm: readonly number[]): void {
  lowerView(low, 0, low.in(0), permuteView({ dims, strides: stridesOf(dims), offset: 0 }, perm));
}

const depthToSpace: Operator = {
  name: 'DepthToSpace',
  domain: '',
  infer(q) {
    const dtype = refuseParts(q, 0);
    const mode = q.node.string('mode', 'DCR');
    if (mode !== 'DCR' && mode !== 'CRD') q.fail('mode must be DCR or CRD', `${mode} came`);
    const from = blockOf(q);
    if (from === undefined) return [{ dtype, shape: undefined }];
    const [n, c, h, w] = from.shape;
    const b = from.block;
    return [{ dtype, shape: [n, divided(q, c, b * b, 'channels'), mulDim(h, b), mulDim(w, b)] }];
  },
  lower(low) {
    const [n, c, h, w] = low.dims(0) as readonly [number, number, number, number];
    const b = low.node.int('blocksize');
    const depth = c / (b * b);
    if (low.node.string('mode', 'DCR') === 'DCR') lowerShuffle(low, [n, b, b, depth, h, w], [0, 3, 4, 1, 5, 2]);
    else lowerShuffle(low, [n, depth, b, b, h, w], [0, 1, 4, 2, 5, 3]);
  },
};

const spaceToDepth: Operator = {
  name: 'SpaceToDepth',
  domain: '',
  infer(q) {
    const dtype = refuseParts(q, 0);
    const from = blockOf(q);
    if (from === undefined) return [{ dtype, shape: undefined }];
    const [n, c, h, w] = from.shape;
    const b = from.block;
    return [{ dtype, shape: [n, mulDim(c, b * b), divided(q, h, b, 'height'), divided(q, w, b, 'width')] }];
  },
  lower(low) {
    const [n, c, h, w] = low.dims(0) as readonly [number, number, number, number];
    const b = low.node.int('blocksize');
    lowerShuffle(low, [n, c, h / b, b, w / b, b], [0, 3, 5, 1, 2, 4]);
  },
};

export const transposeOperators: readonly Operator[] = [transpose, depthToSpace, spaceToDepth];
