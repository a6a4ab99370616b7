/**
 * Gives convolutions and matrix products what follows them: bias, residual, activation (lib/kernels/epilogue.ts).
 *
 *     %a = dsnk.Conv(%x, W); %b = Add(%a, c[M]); %d = Add(%b, %r); %y = Relu(%d)
 *         →   %y = dsnk.Conv(%x, W, c, %r) {activation=relu}
 *     %a = MatMul(%x, W); %b = Mul(%a, 0.125); %y = Add(%b, c[N])   →   %y = dsnk.MatMul(%x, W, c) {scale=0.125}
 *
 *     %k = Transpose(%x) {perm=[0,2,3,1]}; %y = MatMul(Mul(%q, 0.125), %k)
 *         →   %k = Transpose(%x) {perm=[0,2,1,3]}; %y = dsnk.MatMul(%q, %k) {scale=0.125, transB=1}
 *
 * Also Gemm. Refuses: intermediate results that
 * others read, sums that broadcast otherwise than a bias along the last dimension, anything after the activation, types
 * other than float32. Of two convolutions that are added, the later one takes the sum.
 */
import { elementCount, sameShape } from '../graph/dim.js';
import { type AttrValue, type Node, scalarOf, type Value } from '../graph/graph.js';
import { type Activation, noActivation } from '../kernels/epilogue.js';
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';
import { isIdentity, movesNothing, permOf, permute } from './permutation.js';

/** What a node computes once fused: activation(scale·(a·b) + bias + residual). */
interface Fused {
  readonly op: 'Conv' | 'ConvTranspose' | 'MatMul';
  inputs: [Value, Value];
  bias: Value | undefined;
  residual: Value | undefined;
  scale: number;
  activation: Activation;
  attrs: Record<string, AttrValue>;
  /** The value it makes now. */
  y: Value;
}

/** An activation that stands as one node, and its numbers. */
export function activationOf(node: Node): Activation | undefined {
  const of = (kind: Activation['kind'], alpha = 0, beta = 0): Activation => ({ kind, alpha, beta });
  if (node.domain === 'com.microsoft') {
    if (node.op === 'FastGelu' && node.inputs[1] === undefined) return of('geluTanh');
    return node.op === 'Gelu' ? of('gelu') : undefined;
  }
  if (node.domain !== '') return undefined;
  switch (node.op) {
    case 'Relu':
      return of('relu');
    case 'Clip': {
      const low = node.inputs[1] === undefined ? Number.NEGATIVE_INFINITY : scalarOf(node.inputs[1]);
      const high = node.inputs[2] === undefined ? Number.POSITIVE_INFINITY : scalarOf(node.inputs[2]);
      return low === undefined || high === undefined || low > high ? undefined : of('clip', low, high);
    }
    case 'LeakyRelu':
      return of('leakyRelu', node.float('alpha', 0.01));
    case 'Elu':
      return of('elu', node.float('alpha', 1));
    case 'Sigmoid':
      return of('sigmoid');
    case 'HardSigmoid':
      return of('hardSigmoid', node.float('alpha', 0.2), node.float('beta', 0.5));
    case 'Swish':
      return node.float('alpha', 1) === 1 ? of('silu') : undefined;
    case 'HardSwish':
      return of('hardSwish');
    case 'Tanh':
      return of('tanh');
    case 'Gelu':
      return of(node.string('approximate', 'none') === 'tanh' ? 'geluTanh' : 'gelu');
    case 'Softplus':
      return of('softplus');
    case 'Mish':
      return of('mish');
    default:
      return undefined;
  }
}

interface Operand {
  readonly v: Value;
  /** Whether its last two dimensions are to be read swapped. */
  readonly flipped: boolean;
  readonly scale: number;
}

/** A number that v is multiplied with, and what is left: v = number·rest. Looks through a Reshape. */
function scaled(edit: GraphEditor, v: Value): { rest: Value; number: number } | undefined {
  const isAlone = (x: Value) => edit.users(x).length <= 1 && !edit.isKept(x);
  const shaped = v.producer?.op === 'Reshape' && v.producer.domain === '' ? v.producer.input(0) : v;
  const node = shaped.producer;
  if (!isAlone(v) || !isAlone(shaped) || node?.domain !== '' || (node.op !== 'Mul' && node.op !== 'Div') || edit.isConstant(v)) return undefined;
  const right = scalarOf(node.inputs[1]);
  const left = node.op === 'Mul' ? scalarOf(node.inputs[0]) : undefined;
  const number = right ?? left;
  const rest = node.input(right === undefined ? 1 : 0);
  if (number === undefined || !sameShape(rest.dims, shaped.dims)) return undefined;
  return { rest: edit.reshape(rest, v.dims), number: node.op === 'Mul' ? number : 1 / number };
}

/**
 * An operand of a product without what the product can do itself: swapping the last two dimensions, a factor. Of a
 * permutation that does more than swap, the rest stays as a Transpose that moves whole rows.
 */
function operand(edit: GraphEditor, given: Value, flippedAlready: boolean): Operand {
  let [v, flipped, scale] = [given, flippedAlready, 1];
  for (;;) {
    const node = v.producer;
    const p = node?.op === 'Transpose' && node.domain === '' ? permOf(node) : [];
    const rank = p.length;
    if (node !== undefined && rank >= 2 && p[rank - 1] !== rank - 1) {
      const x = node.input(0);
      const rest = [...p.slice(0, -2), p[rank - 1] as number, p[rank - 2] as number];
      if (isIdentity(rest)) v = x;
      else if (movesNothing(x.dims, rest)) v = edit.reshape(x, permute(x.dims, rest));
      else if (rest[rank - 1] === rank - 1 && edit.onlyUser(v) !== undefined) v = edit.value('Transpose', [x], { attrs: { perm: rest } });
      else return { v, flipped, scale };
      flipped = !flipped;
      continue;
    }
    const factor = scaled(edit, v);
    if (factor === undefined) return { v, flipped, scale };
    v = factor.rest;
    scale *= factor.number;
  }
}

/** The node as something that can take an epilogue, with what it has of one already. */
function startOf(edit: GraphEditor, node: Node): Fused | undefined {
  const y = node.output();
  if (y.dtype !== 'float32') return undefined;
  const plain = { bias: undefined, residual: undefined, scale: 1, activation: noActivation, y };
  if (node.domain === 'dsnk' && (node.op === 'Conv' || node.op === 'ConvTranspose')) {
    if (node.has('activation') || node.inputs[3] !== undefined) return undefined;
    return { ...plain, op: node.op, inputs: [node.input(0), node.input(1)], bias: node.inputs[2], attrs: Object.fromEntries(node.attrs) };
  }
  if (node.domain !== '' || (node.op !== 'MatMul' && node.op !== 'Gemm')) return undefined;
  if (node.input(0).dims.length < 2 || node.input(1).dims.length < 2) return undefined;
  const a = operand(edit, node.input(0), node.op === 'Gemm' && node.int('transA', 0) !== 0);
  const b = operand(edit, node.input(1), node.op === 'Gemm' && node.int('transB', 0) !== 0);
  const fused: Fused = { ...plain, op: 'MatMul', inputs: [a.v, b.v], scale: a.scale * b.scale, attrs: {} };
  if (a.flipped) fused.attrs['transA'] = 1;
  if (b.flipped) fused.attrs['transB'] = 1;
  if (node.op === 'Gemm') {
    fused.scale *= node.float('alpha', 1);
    const c = node.inputs[2];
    const beta = node.float('beta', 1);
    if (c !== undefined && beta !== 0) {
      const term = beta === 1 ? c : edit.isConstant(c) ? edit.value('Mul', [c, edit.scalar('float32', beta)]) : undefined;
      if (term === undefined || !takeSum(edit, fused, term)) return undefined;
    }
  }
  return fused;
}

/** y + term, as bias or residual. */
function takeSum(edit: GraphEditor, fused: Fused, term: Value): boolean {
  const { dims } = fused.y;
  const columns = dims.at(-1) as number;
  if (term.dtype !== 'float32') return false;
  if (fused.residual === undefined && sameShape(term.dims, dims) && !edit.isConstant(term)) {
    fused.residual = term;
    return true;
  }
  if (term.dims.length <= dims.length && term.dims.at(-1) === columns && elementCount(term.dims) === columns) {
    const flat = edit.reshape(term, [columns]);
    if (fused.bias === undefined) {
      fused.bias = flat;
      return true;
    }
    if (edit.isConstant(fused.bias) && edit.isConstant(flat)) {
      fused.bias = edit.value('Add', [fused.bias, flat]);
      return true;
    }
  }
  if (edit.isConstant(term) && elementCount(term.dims) === 1 && fused.bias === undefined && term.dims.length <= dims.length) {
    fused.bias = edit.value('Expand', [edit.reshape(term, [1]), edit.ints([columns])]);
    return true;
  }
  if (fused.residual !== undefined || !sameShape(term.dims, dims)) return false;
  fused.residual = term;
  return true;
}

const canStart = (node: Node | undefined) =>
  node !== undefined && ((node.domain === 'dsnk' && /^(Conv|ConvTranspose|MatMul)$/.test(node.op)) || (node.domain === '' && /^(MatMul|Gemm)$/.test(node.op)));

/** Takes the one reader of the current value into the node, if it fits. */
function takeNext(edit: GraphEditor, fused: Fused, order: ReadonlyMap<Node, number>, start: Node): boolean {
  const { y } = fused;
  const user = edit.onlyUser(y);
  if (user === undefined || user.outputs.length !== 1 || !sameShape(user.output().dims, y.dims) || user.output().dtype !== 'float32') return false;
  const activation = user.inputs[0] === y ? activationOf(user) : undefined;
  if (activation !== undefined) {
    fused.activation = activation;
    fused.y = user.output();
    return true;
  }
  if (user.domain !== '') return false;
  const other = user.inputs[0] === y ? user.inputs[1] : user.inputs[0];
  if (other === undefined || other === y) return false;
  if (user.op === 'Add') {
    // of two that meet, the later one has the earlier one's result at hand
    const rival = other.producer;
    if (canStart(rival) && edit.onlyUser(other) === user && (order.get(rival as Node) ?? -1) > (order.get(start) ?? -1)) return false;
    if (!takeSum(edit, fused, other)) return false;
    fused.y = user.output();
    return true;
  }
  const number = scalarOf(other);
  if (fused.op !== 'MatMul' || number === undefined || fused.bias !== undefined || fused.residual !== undefined) return false;
  if (user.op === 'Mul') fused.scale *= number;
  else if (user.op === 'Div' && user.inputs[0] === y) fused.scale /= number;
  else return false;
  fused.y = user.output();
  return true;
}

export const fuseEpilogue: Pass = {
  name: 'fuse-epilogue',
  run(graph) {
    const edit = new GraphEditor(graph);
    const order = new Map(graph.nodes.map((node, i) => [node, i]));
    for (const node of edit.nodes()) {
      if (!canStart(node) || edit.isConstant(node.output())) continue;
      const fused = startOf(edit, node);
      if (fused === undefined) continue;
      while (fused.activation.kind === 'none' && takeNext(edit, fused, order, node)) {}
      const flipped = fused.op === 'MatMul' && (fused.inputs[0] !== node.inputs[0] || fused.inputs[1] !== node.inputs[1]);
      if (fused.y === node.output() && !flipped) continue;
      const { kind, alpha, beta } = fused.activation;
      const attrs: Record<string, AttrValue | undefined> = { ...fused.attrs };
      if (fused.scale !== 1) attrs['scale'] = fused.scale;
      if (kind !== 'none') attrs['activation'] = kind;
      if (alpha !== 0) attrs['alpha'] = alpha;
      if (beta !== 0) attrs['beta'] = beta;
      const inputs: (Value | undefined)[] = [...fused.inputs, fused.bias, fused.residual];
      while (inputs.at(-1) === undefined) inputs.pop();
      edit.replaceNode(fused.y, fused.op, inputs, { domain: 'dsnk', name: node.name, attrs });
    }
    return edit.finish();
  },
};
