/**
 * Values as strided views of what they were cut, reshaped and transposed from. Each dimension is a list of atoms, outermost
 * first: reshaping regroups them, so that views stay views through any chain of Reshape, Transpose, Split, Slice,
 * Gather of one index and Expand that keeps atoms whole.
 */
import { type Node, scalarOf, type Value } from '../graph/graph.js';
import { numbersOf } from './editor.js';
import { permOf } from './permutation.js';

export interface Atom {
  readonly n: number;
  readonly stride: number;
}

/** Element (i0, i1, …) of a value is scale·base[offset + Σ of its atoms]. */
export interface StridedView {
  readonly base: Value;
  readonly offset: number;
  readonly dims: readonly (readonly Atom[])[];
  readonly scale: number;
}

/** Longest chain that is followed. */
const MAX_DEPTH = 24;

export function denseView(v: Value): StridedView {
  const dims: Atom[][] = [];
  let stride = 1;
  for (let d = v.dims.length - 1; d >= 0; d--) {
    const n = v.dims[d] as number;
    dims.unshift([{ n, stride }]);
    stride *= n;
  }
  return { base: v, offset: 0, dims, scale: 1 };
}

/** The same walk with the fewest atoms. */
export function mergeAtoms(atoms: readonly Atom[]): Atom[] {
  const out: Atom[] = [];
  for (const a of atoms) {
    if (a.n === 1) continue;
    const last = out.at(-1);
    if (last !== undefined && last.stride === a.n * a.stride) out[out.length - 1] = { n: last.n * a.n, stride: a.stride };
    else out.push(a);
  }
  return out;
}

/** Atoms in new groups of the given sizes; undefined where a group would cut one unevenly. */
export function regroup(atoms: readonly Atom[], sizes: readonly number[]): Atom[][] | undefined {
  const open = mergeAtoms(atoms);
  const groups: Atom[][] = [];
  for (let d = sizes.length - 1; d >= 0; d--) {
    const group: Atom[] = [];
    for (let need = sizes[d] as number; need !== 1; ) {
      const a = open.pop();
      if (a === undefined || need === 0) return undefined;
      const n = Math.min(a.n, need);
      if (a.n % n !== 0 || need % n !== 0) return undefined;
      group.unshift({ n, stride: a.stride });
      if (a.n > n) open.push({ n: a.n / n, stride: a.stride * n });
      need /= n;
    }
    groups.unshift(group);
  }
  return open.length === 0 ? groups : undefined;
}

/** Indices start, start + step, … of one dimension. */
function narrow(view: StridedView, axis: number, start: number, step: number, count: number): StridedView | undefined {
  const [outer, ...rest] = mergeAtoms(view.dims[axis] as readonly Atom[]);
  if (start < 0 || step < 1 || count < 1) return undefined;
  if (outer === undefined) return start === 0 && count === 1 ? view : undefined;
  const inner = rest.reduce((p, a) => p * a.n, 1);
  if (start % inner !== 0 || count % inner !== 0 || (step !== 1 && inner !== 1)) return undefined;
  const dims = [...view.dims];
  dims[axis] = [{ n: count / inner, stride: outer.stride * step }, ...rest];
  return { ...view, offset: view.offset + (start / inner) * outer.stride, dims };
}

type Step = (node: Node, v: Value, x: StridedView) => StridedView | undefined;

const axisOf = (node: Node, rank: number, fallback?: number): number => {
  const axis = node.int('axis', fallback);
  return axis < 0 ? axis + rank : axis;
};

const reshape: Step = (_, v, x) => {
  const dims = regroup(x.dims.flat(), v.dims);
  return dims && { ...x, dims };
};

/** How a result looks on its input's view. */
const steps: Readonly<Record<string, Step>> = {
  Identity: (_, __, x) => x,
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: (node, _, x) => ({ ...x, dims: permOf(node).map((p) => x.dims[p] as readonly Atom[]) }),
  Split(node, v, x) {
    const axis = axisOf(node, v.dims.length, 0);
    const before = node.outputs.slice(0, node.outputs.indexOf(v));
    return narrow(
      x,
      axis,
      before.reduce((n, o) => n + (o.dims[axis] as number), 0),
      1,
      v.dims[axis] as number,
    );
  },
  Slice(node, v, x) {
    const from = node.input(0).dims;
    const [starts, ends, axes, strides] = [1, 2, 3, 4].map((i) => numbersOf(node.inputs[i]));
    if (starts === undefined || ends === undefined) return undefined;
    let view: StridedView | undefined = x;
    for (let i = 0; i < starts.length && view !== undefined; i++) {
      const given: number = axes === undefined ? i : (axes[i] as number);
      const axis: number = given < 0 ? given + from.length : given;
      const n = from[axis] as number;
      const start = starts[i] as number;
      view = narrow(view, axis, Math.min(start < 0 ? Math.max(start + n, 0) : start, n), strides?.[i] ?? 1, v.dims[axis] as number);
    }
    return view;
  },
  Gather(node, _, x) {
    const from = node.input(0).dims;
    const axis = axisOf(node, from.length, 0);
    const index = scalarOf(node.inputs[1]);
    if (index === undefined || node.input(1).dims.length !== 0) return undefined;
    const one = narrow(x, axis, index < 0 ? index + (from[axis] as number) : index, 1, 1);
    return one && { ...one, dims: one.dims.filter((_, d) => d !== axis) };
  },
  Expand(_, v, x) {
    const lead = v.dims.length - x.dims.length;
    const dims = v.dims.map((n, d) => {
      const own = d < lead ? [] : (x.dims[d - lead] as readonly Atom[]);
      return own.reduce((p, a) => p * a.n, 1) === n ? own : [{ n, stride: 0 }];
    });
    return { ...x, dims };
  },
};

/** A number that a value of one element is, through the arithmetic of exporters. */
export function scalarValue(v: Value | undefined, depth = 0): number | undefined {
  const known = scalarOf(v);
  if (known !== undefined || v === undefined || depth > 8 || v.producer?.domain !== '') return known;
  const node = v.producer;
  if (v.shape === undefined || v.dims.reduce((p, n) => p * n, 1) !== 1) return undefined;
  const of = (i: number) => scalarValue(node.inputs[i], depth + 1);
  const [a, b] = [of(0), of(1)];
  const result = () => {
    switch (node.op) {
      case 'Sqrt':
        return a === undefined ? undefined : Math.sqrt(a);
      case 'Reciprocal':
        return a === undefined ? undefined : 1 / a;
      case 'Div':
        return a === undefined || b === undefined ? undefined : a / b;
      case 'Mul':
        return a === undefined || b === undefined ? undefined : a * b;
      case 'Cast':
      case 'Identity':
      case 'Reshape':
      case 'Unsqueeze':
      case 'Squeeze':
        return a;
      default:
        return undefined;
    }
  };
  const x = result();
  return x === undefined || v.type !== 'float32' ? undefined : Math.fround(x);
}

/** v = factor·rest for a number. */
export function factorOf(node: Node | undefined): { rest: Value; factor: number } | undefined {
  if (node?.domain !== '' || (node.op !== 'Mul' && node.op !== 'Div')) return undefined;
  const right = scalarValue(node.inputs[1]);
  const left = right === undefined && node.op === 'Mul' ? scalarValue(node.inputs[0]) : undefined;
  const factor = right ?? left;
  if (factor === undefined) return undefined;
  const rest = node.input(right === undefined ? 1 : 0);
  if (rest.dims.join() !== node.output().dims.join()) return undefined;
  return { rest, factor: node.op === 'Mul' ? factor : 1 / factor };
}

/** A value on what it was taken from: as far up as that works, but not past `stop`. With `scaled`, also past products with a number. */
export function viewOf(v: Value, options: { scaled?: boolean; stop?: Value } = {}, depth = 0): StridedView {
  const node = v.producer;
  if (v === options.stop || node === undefined || v.constant !== undefined || node.domain !== '' || depth > MAX_DEPTH) return denseView(v);
  if (options.scaled) {
    const product = factorOf(node);
    if (product !== undefined) {
      const x = viewOf(product.rest, options, depth + 1);
      return { ...x, scale: x.scale * product.factor };
    }
  }
  const step = steps[node.op];
  if (step === undefined || v.dims.includes(0)) return denseView(v);
  return step(node, v, viewOf(node.input(0), options, depth + 1)) ?? denseView(v);
}
