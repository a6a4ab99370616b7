/**
 * Moves a multiplication or addition of constants per channel into the weights and bias of the convolution or matrix
 * product before it. Weights and bias become nodes on constants, which the init program computes.
 *
 *     %a = Conv(%x, W, B); %b = Mul(%a, k); %y = Add(%b, c)   →   %y = Conv(%x, Mul(W, k), Add(Mul(B, k), c))
 *     %a = MatMul(%x, W); %b = Add(%a, c); %y = Mul(%b, k)    →   %b = MatMul(%x, Mul(W, k)); %y = Add(%b, Mul(c, k))
 *
 * Also Div and Sub. Refuses: an intermediate that others read; factors that are not constant or vary along another
 * axis than the channels; weights that are not constant or come out of DequantizeLinear (they stay quantized); other
 * types than float32.
 */
import { elementCount, sameShape } from '../graph/dim.js';
import type { Node, Value } from '../graph/graph.js';
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';

const targets = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** y = x ∘ k with a constant k: which operation, and k as a vector over the channels (or of one element). */
interface Affine {
  readonly op: 'Mul' | 'Div' | 'Add' | 'Sub';
  readonly k: Value;
}

/** Reads `node` as an affine step on `x`, whose channels lie on `axis`. */
export function affineOf(edit: GraphEditor, node: Node, x: Value, axis: number): Affine | undefined {
  const { op } = node;
  if (node.domain !== '' || (op !== 'Mul' && op !== 'Div' && op !== 'Add' && op !== 'Sub')) return undefined;
  const commutes = op === 'Mul' || op === 'Add';
  const [a, b] = [node.input(0), node.input(1)];
  const k = a === x ? b : commutes && b === x ? a : undefined;
  if (k === undefined || k === x || !edit.isConstant(k) || k.dtype !== 'float32' || !sameShape(node.output().dims, x.dims)) return undefined;
  const lead = x.dims.length - k.dims.length;
  if (!k.dims.every((d, i) => d === 1 || i + lead === axis)) return undefined;
  return { op, k: edit.reshape(k, [elementCount(k.dims)]) };
}

/** A vector [M] or [1] shaped to multiply weights. */
function weightFactor(edit: GraphEditor, node: Node, w: Value, k: Value): { w: Value; k: Value } {
  const count = elementCount(k.dims);
  if (count === 1) return { w, k };
  if (node.op === 'Conv') return { w, k: edit.reshape(k, [count, ...w.dims.slice(1).map(() => 1)]) };
  if (node.op === 'Gemm' && node.int('transB', 0) !== 0) return { w, k: edit.reshape(k, [count, 1]) };
  if (node.op !== 'ConvTranspose') return { w, k };
  // [C, M/g, …] seen as [g, C/g, M/g, …]
  const group = node.int('group', 1);
  const [c = 0, perGroup = 0, ...taps] = w.dims;
  return { w: edit.reshape(w, [group, c / group, perGroup, ...taps]), k: edit.reshape(k, [group, 1, perGroup, ...taps.map(() => 1)]) };
}

function foldInto(edit: GraphEditor, node: Node, { op, k }: Affine): boolean {
  const w = node.input(1);
  const bias = node.inputs[2];
  const channels = node.op === 'Conv' || node.op === 'ConvTranspose' ? (node.output().dims[1] as number) : (node.output().dims.at(-1) as number);
  if (bias !== undefined && (!edit.isConstant(bias) || elementCount(bias.dims) !== channels || bias.dims.at(-1) !== channels)) return false;
  if (op === 'Mul' || op === 'Div') {
    const factor = weightFactor(edit, node, w, k);
    edit.setInput(node, 1, edit.reshape(edit.value(op, [factor.w, factor.k]), w.dims));
    if (bias !== undefined) edit.setInput(node, 2, edit.value(op, [bias, k]));
    return true;
  }
  if (node.op === 'MatMul') return false;
  if (node.op === 'Gemm' && bias !== undefined && node.float('beta', 1) !== 1) return false;
  const wide = elementCount(k.dims) === channels ? k : edit.value('Expand', [k, edit.ints([channels])]);
  const sum = bias !== undefined ? edit.value(op, [bias, wide]) : op === 'Add' ? wide : edit.value('Neg', [wide]);
  node.inputs.length = Math.max(node.inputs.length, 3);
  if (bias === undefined && node.op === 'Gemm') node.attrs.delete('beta');
  edit.setInput(node, 2, sum);
  return true;
}

export const foldScale: Pass = {
  name: 'fold-scale',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      if (node.domain !== '' || !targets.has(node.op) || node.output().dtype !== 'float32') continue;
      const w = node.input(1);
      if (!edit.isConstant(w) || w.producer?.op === 'DequantizeLinear') continue;
      const isConv = node.op === 'Conv' || node.op === 'ConvTranspose';
      const rank = node.output().dims.length;
      if (!isConv && (w.dims.length !== 2 || rank < 2)) continue;
      const axis = isConv ? 1 : rank - 1;
      for (;;) {
        const y = node.output();
        const user = edit.onlyUser(y);
        const step = user && affineOf(edit, user, y, axis);
        if (user === undefined || step === undefined) break;
        if (foldInto(edit, node, step)) {
          // the node now makes what its reader made
          edit.replaceValue(user.output(), y);
          y.name = user.output().name;
          edit.rewrites++;
          continue;
        }
        if (node.op !== 'MatMul' || !swapAddMul(edit, node, user, axis)) break;
      }
    }
    return edit.finish();
  },
};

/** Add(x, c) · k → Add(x·k, c·k), so that k reaches the weights. */
function swapAddMul(edit: GraphEditor, node: Node, add: Node, axis: number): boolean {
  const y = node.output();
  const mul = edit.onlyUser(add.output());
  const first = affineOf(edit, add, y, axis);
  const second = mul && affineOf(edit, mul, add.output(), axis);
  if (mul === undefined || first === undefined || second === undefined || (second.op !== 'Mul' && second.op !== 'Div')) return false;
  const scaled = edit.value(second.op, [y, second.k]);
  edit.replaceNode(mul.output(), first.op, [scaled, edit.value(second.op, [first.k, second.k])], { name: add.name });
  return true;
}
