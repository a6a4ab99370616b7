/**
 * What a Transpose may be moved past: for each operator, how its axes are renamed when it reads its inputs before the
 * Transpose instead of after. With y = Transpose(x, p), axis k of y is axis p[k] of x.
 */
import { elementCount } from '../graph/dim.js';
import type { AttrValue, Node, Value } from '../graph/graph.js';
import { type GraphEditor, numbersOf } from './editor.js';
import { extend, inverse, isIdentity, type Perm, permute, samePerm } from './permutation.js';

/** A node that can read before the Transpose. */
export interface Push {
  /** Inputs whose axes are the node's axes, and the permutation's. */
  readonly follow: readonly number[];
  /** The permutation that gives each of the node's old results from its new one. */
  readonly outPerms: readonly Perm[];
  /** The permutation at the node's own rank, where an input of lower rank is broadcast. */
  readonly full?: Perm;
  readonly attrs?: Readonly<Record<string, AttrValue>>;
  /** Inputs that hold axes or sizes, in the new order. */
  readonly params?: Readonly<Record<number, readonly number[]>>;
  /** A smaller transpose that has to stay in front. */
  readonly before?: Perm;
  /** Builds the result from the followed inputs where it is more than the same node with other attributes. */
  readonly build?: (edit: GraphEditor, inputs: readonly Value[], node: Node) => Value;
}

type Rule = (node: Node, p: Perm) => Push | undefined;

const axisOf = (node: Node, fallback: number, rank: number) => {
  const axis = node.int('axis', fallback);
  return axis < 0 ? axis + rank : axis;
};
const wrap = (axes: readonly number[], rank: number) => axes.map((a) => (a < 0 ? a + rank : a));

/** The permutation of a result from which `gone` axes (of the new order) were removed. */
function without(p: Perm, gone: ReadonlySet<number>): number[] {
  const left = p.filter((axis) => !gone.has(axis));
  const sorted = [...left].sort((a, b) => a - b);
  return left.map((axis) => sorted.indexOf(axis));
}

/** One input, every element on its own. */
const unary: Rule = (node, p) => ({ follow: [0], outPerms: node.outputs.map(() => p) });

/** Broadcasting operators: inputs of one element have no axes to follow. */
const broadcast: Rule = (node, p) => {
  const follow = node.inputs.flatMap((v, i) => (v === undefined || elementCount(v.dims) === 1 ? [] : [i]));
  return { follow: follow.length > 0 ? follow : node.inputs.map((_, i) => i), outPerms: [p], full: p };
};

/** Operators that keep the rank and name one axis in an attribute. */
const oneAxis =
  (fallback: number): Rule =>
  (node, p) => ({ follow: [0], outPerms: node.outputs.map(() => p), attrs: { axis: p[axisOf(node, fallback, p.length)] as number } });

const concat: Rule = (node, p) => ({
  follow: node.inputs.map((_, i) => i),
  outPerms: [p],
  attrs: { axis: p[axisOf(node, 0, p.length)] as number },
});

const reduce: Rule = (node, p) => {
  const given = node.inputs[1] === undefined ? [] : numbersOf(node.inputs[1]);
  if (given === undefined) return undefined;
  if (given.length === 0 && node.int('noop_with_empty_axes', 0) !== 0) return { follow: [0], outPerms: [p] };
  const axes = (given.length === 0 ? p.map((_, i) => i) : wrap(given, p.length)).map((a) => p[a] as number);
  const outPerms = [node.int('keepdims', 1) !== 0 ? p : without(p, new Set(axes))];
  return { follow: [0], outPerms, params: { 1: axes.sort((a, b) => a - b) } };
};

const argReduce: Rule = (node, p) => {
  const axis = p[axisOf(node, 0, p.length)] as number;
  return { follow: [0], outPerms: [node.int('keepdims', 1) !== 0 ? p : without(p, new Set([axis]))], attrs: { axis } };
};

/** The indices' dimensions take the place of one axis. */
const gather: Rule = (node, p) => {
  const old = axisOf(node, 0, p.length);
  const axis = p[old] as number;
  const count = node.input(1).dims.length;
  const placeOf = (a: number) => (a < axis ? a : a + count - 1);
  const outPerm = p.flatMap((a, k) => (k === old ? Array.from({ length: count }, (_, i) => axis + i) : [placeOf(a)]));
  return { follow: [0], outPerms: [outPerm], attrs: { axis } };
};

const cumSum: Rule = (node, p) => {
  const axis = numbersOf(node.inputs[1])?.[0];
  return axis === undefined || node.input(1).dims.length !== 0
    ? undefined
    : {
        follow: [0],
        outPerms: [p],
        build: (edit, [x], n) =>
          edit.value('CumSum', [x, edit.scalar('int64', p[axis < 0 ? axis + p.length : axis] as number)], { attrs: Object.fromEntries(n.attrs) }),
      };
};

const slice: Rule = (node, p) => {
  const count = numbersOf(node.inputs[1])?.length;
  const axes = node.inputs[3] === undefined ? Array.from({ length: count ?? 0 }, (_, i) => i) : numbersOf(node.inputs[3]);
  return count === undefined || axes === undefined ? undefined : { follow: [0], outPerms: [p], params: { 3: wrap(axes, p.length).map((a) => p[a] as number) } };
};

const pad: Rule = (node, p) => {
  const rank = p.length;
  if (node.inputs[3] !== undefined) {
    const axes = numbersOf(node.inputs[3]);
    return axes && { follow: [0], outPerms: [p], params: { 3: wrap(axes, rank).map((a) => p[a] as number) } };
  }
  const pads = numbersOf(node.inputs[1]);
  const q = inverse(p);
  return pads && { follow: [0], outPerms: [p], params: { 1: [...permute(pads.slice(0, rank), q), ...permute(pads.slice(rank), q)] } };
};

const resize: Rule = (node, p) => {
  if (node.string('coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize') return undefined;
  if (node.has('axes')) return { follow: [0], outPerms: [p], attrs: { axes: wrap(node.ints('axes'), p.length).map((a) => p[a] as number) } };
  const i = node.inputs[3] !== undefined ? 3 : 2;
  const list = numbersOf(node.inputs[i]);
  return list?.length === p.length ? { follow: [0], outPerms: [p], params: { [i]: permute(list, inverse(p)) } } : undefined;
};

/** Operators whose input 1 lists one number per dimension of the result. */
const sized: Rule = (node, p) => {
  const list = numbersOf(node.inputs[1]);
  return list?.length === p.length && node.input(0).dims.length === p.length
    ? { follow: [0], outPerms: [p], params: { 1: permute(list, inverse(p)) } }
    : undefined;
};

const quantize: Rule = (node, p) => {
  if (node.int('block_size', 0) !== 0) return undefined;
  return elementCount(node.input(1).dims) === 1 ? { follow: [0], outPerms: [p] } : oneAxis(1)(node, p);
};

/**
 * A Reshape falls into groups of dimensions with equal products, `[N | C | H,W] → [N | g,C/g | H·W]`. It can read
 * before the Transpose where each group's dimensions lie there in the same order, side by side; where they do not, a
 * smaller transpose puts them so first (the two halves of a channel shuffle).
 */
const reshape: Rule = (node, p) => {
  const from = node.input(0).dims;
  const to = node.output().dims;
  const groups = reshapeGroups(from, to);
  if (groups === undefined) return undefined;
  const wide = (i: number) => from[i] !== 1;
  const place = (i: number) => p[i] as number;
  const places = groups.map((g) => g.from.filter(wide).map(place));
  // a group of ones goes where its ones lie; one that had no dimension at all goes last
  const start = groups.map((g) => Math.min(...(g.from.some(wide) ? g.from.filter(wide) : g.from).map(place)));
  const order = groups.map((_, g) => g).sort((a, b) => (start[a] as number) - (start[b] as number) || a - b);
  const wanted = order.flatMap((g) => places[g] as number[]);
  const actual = [...wanted].sort((a, b) => a - b);
  const layout = order.flatMap((g) => (groups[g] as Group).to);
  const outPerm = to.map((_, j) => layout.indexOf(j));
  if (isIdentity(outPerm) && !samePerm(wanted, actual)) return undefined;
  const dims = layout.map((j) => to[j] as number);
  const push: Push = { follow: [0], outPerms: [outPerm], build: (edit, [x]) => edit.reshape(x as Value, dims) };
  if (samePerm(wanted, actual)) return push;
  const units = from.map((_, i) => p[i] as number).filter((a) => !wanted.includes(a));
  return { ...push, before: [...wanted, ...units] };
};

interface Group {
  readonly from: number[];
  readonly to: number[];
}

/** Splits a reshape into its smallest groups; undefined where a dimension is 0. */
export function reshapeGroups(from: readonly number[], to: readonly number[]): Group[] | undefined {
  if (from.includes(0) || to.includes(0)) return undefined;
  const groups: Group[] = [];
  let [i, j] = [0, 0];
  while (i < from.length && j < to.length) {
    const group: Group = { from: [i], to: [j] };
    let [a, b] = [from[i++] as number, to[j++] as number];
    while (a !== b) {
      if (a < b) {
        group.from.push(i);
        a *= from[i++] as number;
      } else {
        group.to.push(j);
        b *= to[j++] as number;
      }
    }
    groups.push(group);
  }
  // what is left over are ones
  if (i < from.length || j < to.length) {
    groups.push({ from: from.map((_, k) => k).slice(i), to: to.map((_, k) => k).slice(j) });
  }
  return groups;
}

/** Blocks of channels and of space, seen with channels last: one transpose between two reshapes. */
const depthSpace: Rule = (node, p) => {
  if (!samePerm(p, [0, 3, 1, 2])) return undefined;
  const b = node.int('blocksize');
  const toSpace = node.op === 'DepthToSpace';
  const columnsFirst = node.string('mode', 'DCR') === 'CRD';
  const build = (edit: GraphEditor, [x]: readonly Value[]): Value => {
    const [n = 0, h = 0, w = 0, c = 0] = (x as Value).dims;
    if (!toSpace) {
      // [n, h/b, b₁, w/b, b₂, c] → [n, h/b, w/b, b₁, b₂, c]
      const six = edit.reshape(x as Value, [n, h / b, b, w / b, b, c]);
      return edit.reshape(edit.value('Transpose', [six], { attrs: { perm: [0, 1, 3, 2, 4, 5] } }), [n, h / b, w / b, b * b * c]);
    }
    const deep = c / (b * b);
    const six = edit.reshape(x as Value, columnsFirst ? [n, h, w, deep, b, b] : [n, h, w, b, b, deep]);
    const perm = columnsFirst ? [0, 1, 4, 2, 5, 3] : [0, 1, 3, 2, 4, 5];
    return edit.reshape(edit.value('Transpose', [six], { attrs: { perm } }), [n, h * b, w * b, deep]);
  };
  return { follow: [0], outPerms: [p], build };
};

const list = (names: string, rule: Rule): [string, Rule][] => names.split(' ').map((name) => [name, rule]);

const rules: ReadonlyMap<string, Rule> = new Map([
  ...list('Abs Acos Acosh Asin Asinh Atan Atanh Ceil Celu Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid HardSwish IsInf IsNaN LeakyRelu Log Mish Neg Not', unary),
  ...list('Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu BitwiseNot', unary),
  ...list('Cast CastLike Clip Dropout Identity', unary),
  ...list('Add Sub Mul Div Pow Mod Max Min Mean Sum PRelu Where And Or Xor Equal Greater GreaterOrEqual Less LessOrEqual', broadcast),
  ...list('BitShift BitwiseAnd BitwiseOr BitwiseXor', broadcast),
  ...list('ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare', reduce),
  ...list('Softmax LogSoftmax Hardmax TopK LpNormalization', oneAxis(-1)),
  ...list('ArgMax ArgMin', argReduce),
  ...list('QuantizeLinear DequantizeLinear', quantize),
  ...list('Tile Expand', sized),
  ...list('DepthToSpace SpaceToDepth', depthSpace),
  // Its scale and zero point are scalars.
  ['DynamicQuantizeLinear', (_, p) => ({ follow: [0], outPerms: [p, [], []] })],
  ['Concat', concat],
  ['Split', oneAxis(0)],
  ['Gather', gather],
  ['CumSum', cumSum],
  ['Slice', slice],
  ['Pad', pad],
  ['Resize', resize],
  ['Reshape', reshape],
]);

/** How `node` can read input `i` before a Transpose by p; undefined where it cannot. */
export function pushRule(node: Node, i: number, p: Perm): Push | undefined {
  if (node.domain !== '') return undefined;
  const rule = rules.get(node.op);
  const input = node.inputs[i];
  if (rule === undefined || input === undefined) return undefined;
  // a broadcasting operator counts axes from the result's last one
  const full = rule === broadcast ? extend(p, node.output().dims.length) : p;
  const push = rule(node, full);
  return push?.follow.includes(i) ? push : undefined;
}
