/** NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss. */
import type { Node, Value } from '../../graph/graph.js';
import type { GraphEditor } from '../editor.js';
import type { Expansion } from './expansion.js';

/** -weight[target] · logProb[target], zero where the target is ignored, then reduced. */
function loss(edit: GraphEditor, node: Node, logProb: Value, target: Value, weight: Value | undefined): Value {
  const dtype = logProb.type;
  const zero = edit.scalar(dtype, 0);
  const one = edit.scalar(dtype, 1);
  const ignored = node.has('ignore_index') ? edit.value('Equal', [target, edit.scalar(target.type, node.int('ignore_index'))]) : undefined;
  // An ignored target may lie outside the classes.
  const safe = ignored === undefined ? target : edit.value('Where', [ignored, edit.scalar(target.type, 0), target]);
  const picked = edit.value('GatherElements', [logProb, edit.value('Unsqueeze', [safe, edit.ints([1])])], { attrs: { axis: 1 } });
  let each = edit.value('Neg', [edit.value('Squeeze', [picked, edit.ints([1])])]);
  let share = weight === undefined ? undefined : edit.value('Gather', [weight, safe], { attrs: { axis: 0 } });
  if (share !== undefined) each = edit.value('Mul', [each, share]);
  if (ignored !== undefined) {
    each = edit.value('Where', [ignored, zero, each]);
    share = edit.value('Where', [ignored, zero, share ?? one]);
  }
  const reduction = node.string('reduction', 'mean');
  const noAxes = { attrs: { keepdims: 0 } };
  if (reduction === 'none') return each;
  if (reduction === 'sum') return edit.value('ReduceSum', [each], noAxes);
  if (share === undefined) return edit.value('ReduceMean', [each], noAxes);
  return edit.value('Div', [edit.value('ReduceSum', [each], noAxes), edit.value('ReduceSum', [share], noAxes)]);
}

export const negativeLogLikelihood: Expansion = (edit, node) => [loss(edit, node, node.input(0), node.input(1), node.inputs[2])];

export const softmaxCrossEntropy: Expansion = (edit, node) => {
  const logProb = edit.value('LogSoftmax', [node.input(0)], { attrs: { axis: 1 } });
  return [loss(edit, node, logProb, node.input(1), node.inputs[2]), logProb];
};
