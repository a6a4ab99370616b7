/**
 * Moves Reshape below elementwise operators, so that activations and sums stand directly after the convolution or
 * product that they fuse with, and merges with the next Reshape.
 *
 *     %a = Reshape(%x); %b = Relu(%a); %y = Reshape(%b)   →   %b = Relu(%x); %y = Reshape(%b)
 *     Add(Reshape(%x), Reshape(%z))                       →   Reshape(Add(%x, %z)), where x and z have one shape
 *     Add(Reshape(%x), c[C])                              →   Reshape(Add(%x, c[C])), where the last dimension stays
 *
 * Refuses: operators with an axis, other broadcasts, an operand that others read in its new shape, values that are
 * constant.
 */
import { elementCount, sameShape } from '../graph/dim.js';
import type { Node, Value } from '../graph/graph.js';
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';

const unary = new Set(
  'Relu LeakyRelu Elu Sigmoid HardSigmoid Swish HardSwish Tanh Gelu Softplus Mish Clip Erf Exp Log Neg Abs Sqrt Reciprocal Cast Selu Celu Softsign'.split(' '),
);
const binary = new Set('Add Sub Mul Div Pow Max Min'.split(' '));

/** The value under a Reshape that only this node reads. */
function under(edit: GraphEditor, v: Value | undefined): Value | undefined {
  const node = v?.producer;
  return v !== undefined && node?.op === 'Reshape' && node.domain === '' && edit.onlyUser(v) !== undefined && !edit.isConstant(v) ? node.input(0) : undefined;
}

/** The inputs that `node` would read without the Reshape; undefined where it cannot. */
function inputsBelow(edit: GraphEditor, node: Node): (Value | undefined)[] | undefined {
  if (unary.has(node.op)) {
    const x = under(edit, node.inputs[0]);
    return x && [x, ...node.inputs.slice(1)];
  }
  if (!binary.has(node.op) || node.inputs.length !== 2) return undefined;
  const { dims } = node.output();
  const sources = node.inputs.map((v) => (v !== undefined && sameShape(v.dims, dims) ? under(edit, v) : undefined));
  const [a, b] = sources;
  if (a !== undefined && b !== undefined) return sameShape(a.dims, b.dims) ? [a, b] : undefined;
  const x = a ?? b;
  const other = node.input(a === undefined ? 0 : 1);
  if (x === undefined) return undefined;
  const isScalar = elementCount(other.dims) === 1;
  const last = dims.at(-1);
  const alongLast = other.dims.at(-1) === last && elementCount(other.dims) === last && x.dims.at(-1) === last;
  if (!isScalar && !(alongLast && edit.isConstant(other))) return undefined;
  const flat = edit.reshape(other, isScalar ? [] : [last as number]);
  return a === undefined ? [flat, x] : [x, flat];
}

export const sinkReshapes: Pass = {
  name: 'sink-reshapes',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      if (node.domain !== '' || node.outputs.length !== 1 || edit.isConstant(node.output())) continue;
      const inputs = inputsBelow(edit, node);
      if (inputs === undefined) continue;
      const old = node.output();
      const y = edit.value(node.op, inputs, { name: node.name, attrs: Object.fromEntries(node.attrs) });
      y.name = old.name;
      edit.replaceValue(old, edit.reshape(y, old.dims));
      edit.rewrites++;
    }
    return edit.finish();
  },
};
