/**
 * Gives normalisations that exporters spell out their names back.
 *
 *     %d = Sub(%x, ReduceMean(%x)); %s = Sqrt(Add(ReduceMean(Pow(%d, 2)), ε))
 *     %y = Add(Mul(Div(%d, %s), scale), bias)             →   %y = LayerNormalization(%x, scale, bias) {epsilon=ε}
 *     %y = Mul(Div(%x, Sqrt(Add(ReduceMean(Mul(%x, %x)), ε))), scale)   →   %y = RMSNormalization(%x, scale)
 *
 * A quotient may also be a product with Reciprocal, 1/s or Pow(…, -0.5). Refuses: means over other than the last
 * dimensions or without keepdims, scale or bias of another shape than these dimensions, types other than float32.
 */
import { elementCount, sameShape } from '../graph/dim.js';
import { Constant, MAX_COMPUTED, type Node, scalarOf, type Value } from '../graph/graph.js';
import { GraphEditor, numbersOf } from './editor.js';
import type { Pass } from './index.js';

const made = (v: Value | undefined, op: string): Node | undefined => (v?.producer?.op === op && v.producer.domain === '' ? v.producer : undefined);

/** The input whose mean over the last dimensions v is, and the first of them. */
function meanOf(v: Value | undefined): { x: Value; axis: number } | undefined {
  const node = made(v, 'ReduceMean');
  const axes = node && numbersOf(node.inputs[1]);
  if (node === undefined || axes === undefined || axes.length === 0 || node.int('keepdims', 1) !== 1) return undefined;
  const x = node.input(0);
  const rank = x.dims.length;
  const sorted = axes.map((a) => (a < 0 ? a + rank : a)).sort((a, b) => a - b);
  return sorted.every((a, i) => a === rank - sorted.length + i) ? { x, axis: rank - sorted.length } : undefined;
}

/** v where the given value is v². */
function squareOf(v: Value): Value | undefined {
  const mul = made(v, 'Mul');
  if (mul !== undefined) return mul.inputs[0] === mul.inputs[1] ? mul.input(0) : undefined;
  const pow = made(v, 'Pow');
  return pow !== undefined && scalarOf(pow.inputs[1]) === 2 ? pow.input(0) : undefined;
}

/** The term and the number of v = term + number. */
function plusNumber(v: Value | undefined): { term: Value; number: number } | undefined {
  const add = made(v, 'Add');
  if (add === undefined) return undefined;
  for (const [i, j] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const number = scalarOf(add.inputs[i]);
    if (number !== undefined) return { term: add.input(j), number };
  }
  return undefined;
}

/** v = d / √(variance): both, however the quotient is written. */
function quotientOf(node: Node): { d: Value; variance: Value }[] {
  if (node.domain !== '' || (node.op !== 'Div' && node.op !== 'Mul')) return [];
  const [a, b] = [node.input(0), node.input(1)];
  if (node.op === 'Div') {
    const root = made(b, 'Sqrt');
    return root === undefined ? [] : [{ d: a, variance: root.input(0) }];
  }
  return [
    [a, b],
    [b, a],
  ].flatMap(([d, inverse]) => {
    const pow = made(inverse, 'Pow');
    if (pow !== undefined && scalarOf(pow.inputs[1]) === -0.5) return [{ d: d as Value, variance: pow.input(0) }];
    const div = made(inverse, 'Div');
    const one = div !== undefined && scalarOf(div.inputs[0]) === 1 ? div.inputs[1] : made(inverse, 'Reciprocal')?.inputs[0];
    const root = made(one, 'Sqrt');
    return root === undefined ? [] : [{ d: d as Value, variance: root.input(0) }];
  });
}

interface Norm {
  readonly x: Value;
  readonly centred: boolean;
  readonly axis: number;
  readonly epsilon: number;
}

function normOf(node: Node): Norm | undefined {
  for (const { d, variance } of quotientOf(node)) {
    const sum = plusNumber(variance);
    const mean = meanOf(sum?.term);
    if (sum === undefined || mean === undefined || squareOf(mean.x) !== d || !sameShape(d.dims, node.output().dims)) continue;
    const sub = made(d, 'Sub');
    const centre = sub && meanOf(sub.inputs[1]);
    const centred = sub !== undefined && centre !== undefined && centre.x === sub.inputs[0] && centre.axis === mean.axis;
    return { x: centred ? sub.input(0) : d, centred, axis: mean.axis, epsilon: sum.number };
  }
  return undefined;
}

/** The constant that the one reader of y combines it with, if it has exactly the normalised dimensions. */
function perElement(edit: GraphEditor, y: Value, op: string, dims: readonly number[]): { k: Value; y: Value } | undefined {
  const user = edit.onlyUser(y);
  if (user?.op !== op || user.domain !== '' || !sameShape(user.output().dims, y.dims)) return undefined;
  const k = user.inputs[0] === y ? user.input(1) : user.input(0);
  if (k === y || k.dtype !== 'float32' || !edit.isConstant(k) || elementCount(k.dims) !== elementCount(dims)) return undefined;
  const lead = k.dims.length - dims.length;
  return lead >= 0 && sameShape(k.dims.slice(lead), dims) ? { k: edit.reshape(k, dims), y: user.output() } : undefined;
}

export const nameNorms: Pass = {
  name: 'name-norms',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      if (node.outputs.length !== 1 || node.output().dtype !== 'float32') continue;
      const norm = normOf(node);
      if (norm === undefined || edit.isConstant(norm.x)) continue;
      const dims = norm.x.dims.slice(norm.axis);
      const scaled = perElement(edit, node.output(), 'Mul', dims);
      const shifted = norm.centred ? perElement(edit, scaled?.y ?? node.output(), 'Add', dims) : undefined;
      if (scaled === undefined && elementCount(dims) > MAX_COMPUTED) continue;
      const ones = () => edit.graph.addConstant(Constant.of('float32', dims, new Array<number>(elementCount(dims)).fill(1)));
      const inputs = [norm.x, scaled?.k ?? ones(), ...(shifted === undefined ? [] : [shifted.k])];
      edit.replaceNode(shifted?.y ?? scaled?.y ?? node.output(), norm.centred ? 'LayerNormalization' : 'RMSNormalization', inputs, {
        attrs: { axis: norm.axis - norm.x.dims.length, epsilon: norm.epsilon },
      });
    }
    return edit.finish();
  },
};
