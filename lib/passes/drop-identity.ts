/**
 * Removes nodes whose result is their input.
 *
 *     %a = Transpose(%x) {perm=[0,1]}; %b = Add(%a, f32{0}); %y = Relu(%b)   →   %y = Relu(%x)
 *
 * Refuses: where shape or element type changes; Slice that reverses; Pad that only shifts; a crop hidden in Resize;
 * Dropout in training, or whose mask is read.
 */
import { sameShape } from '../graph/dim.js';
import { type Node, scalarOf, type Value } from '../graph/graph.js';
import { GraphEditor, numbersOf } from './editor.js';
import type { Pass } from './index.js';
import { isIdentity, permOf } from './permutation.js';

type Test = (node: Node, edit: GraphEditor) => Value | undefined;

const first: Test = (node) => node.inputs[0];
const whenAll = (node: Node, i: number, value: number) => (numbersOf(node.inputs[i])?.every((x) => x === value) ? node.inputs[0] : undefined);
const whenAlone: Test = (node) => (node.inputs.length === 1 ? node.inputs[0] : undefined);

/** x ∘ c where c is the neutral element, on the right or, where the operator commutes, on either side. */
const neutral =
  (value: number, commutes: boolean): Test =>
  (node) => {
    if (scalarOf(node.inputs[1]) === value) return node.inputs[0];
    return commutes && scalarOf(node.inputs[0]) === value ? node.inputs[1] : undefined;
  };

/** Each gives the input that equals result 0; that shape and type agree is checked for all alike. */
const tests: Readonly<Record<string, Test>> = {
  Identity: first,
  Cast: first,
  CastLike: first,
  Reshape: first,
  Flatten: first,
  Squeeze: first,
  Unsqueeze: first,
  Expand: first,
  Tile: first,
  Transpose: (node) => (isIdentity(permOf(node)) ? node.inputs[0] : undefined),
  Slice: (node) => (node.inputs[4] === undefined ? node.inputs[0] : whenAll(node, 4, 1)),
  Pad: (node) => whenAll(node, 1, 0),
  Concat: (node) => node.inputs.find((v) => v !== undefined && sameShape(v.dims, node.output().dims)),
  Split: (node) => (node.outputs.length === 1 ? node.inputs[0] : undefined),
  Sum: whenAlone,
  Mean: whenAlone,
  Max: whenAlone,
  Min: whenAlone,
  ReduceSum: first,
  ReduceMean: first,
  ReduceMax: first,
  ReduceMin: first,
  ReduceProd: first,
  Clip: (node) => (node.inputs[1] === undefined && node.inputs[2] === undefined ? node.inputs[0] : undefined),
  Dropout: (node, edit) => {
    const training = node.inputs[2];
    if (training !== undefined && scalarOf(training) !== 0) return undefined;
    const mask = node.outputs[1];
    return mask === undefined || edit.isUnused(mask) ? node.inputs[0] : undefined;
  },
  Resize: (node) => {
    if (node.string('coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize') return undefined;
    const scales = numbersOf(node.inputs[2]);
    return node.inputs[3] !== undefined || scales?.every((s) => s === 1) ? node.inputs[0] : undefined;
  },
  Add: neutral(0, true),
  Sub: neutral(0, false),
  Mul: neutral(1, true),
  Div: neutral(1, false),
  Pow: neutral(1, false),
};

export const dropIdentity: Pass = {
  name: 'drop-identity',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      const same = node.domain === '' ? tests[node.op]?.(node, edit) : undefined;
      const out = node.outputs[0];
      if (same === undefined || out === undefined || same.dtype !== out.dtype || !sameShape(same.dims, out.dims)) continue;
      edit.replaceValue(out, same);
      edit.rewrites++;
    }
    return edit.finish();
  },
};
