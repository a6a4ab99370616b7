/** Attributes that became inputs. */
import { dtypes, isDType } from '../../dtype.js';
import { type Rule, rule, type Upgrade } from './rule.js';

/** Moves a list of integers from an attribute to input i. */
function integersToInput(u: Upgrade, attr: string, i: number): void {
  const values = u.takeIntegers(attr);
  if (values !== undefined) u.setInput(i, u.ints(values));
}

const reductions = ['ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceLogSumExp', 'ReduceMax', 'ReduceMean', 'ReduceMin', 'ReduceProd', 'ReduceSumSquare'];

function reductionAxes(u: Upgrade): void {
  const axes = u.takeIntegers('axes');
  if (axes !== undefined && axes.length > 0) u.setInput(1, u.ints(axes));
}

export const inputRules: readonly Rule[] = [
  rule(13, ['Squeeze', 'Unsqueeze'], (u) => integersToInput(u, 'axes', 1)),
  rule(13, 'ReduceSum', reductionAxes),
  rule(18, reductions, reductionAxes),
  rule(5, 'Reshape', (u) => integersToInput(u, 'shape', 1)),
  rule(10, 'Slice', (u) => {
    integersToInput(u, 'starts', 1);
    integersToInput(u, 'ends', 2);
    integersToInput(u, 'axes', 3);
  }),
  rule(13, 'Split', (u) => integersToInput(u, 'split', 1)),
  rule(18, 'Split', (u) => {
    if (u.draft.inputs[1] === undefined) u.draft.attrs.set('num_outputs', u.draft.outputs.length);
  }),
  rule(10, 'TopK', (u) => {
    const k = u.takeInteger('k');
    if (k !== undefined) u.setInput(1, u.ints([k]));
  }),
  rule(2, 'Pad', (u) => {
    const pads = u.takeIntegers('paddings');
    if (pads !== undefined) u.draft.attrs.set('pads', pads);
  }),
  rule(11, 'Pad', (u) => {
    const value = u.takeNumber('value') ?? 0;
    integersToInput(u, 'pads', 1);
    if (value !== 0) u.setInput(2, u.scalar(value, u.x));
  }),
  rule(11, 'Clip', (u) => {
    const min = u.takeNumber('min');
    const max = u.takeNumber('max');
    if (min !== undefined) u.setInput(1, u.scalar(min, u.x));
    if (max !== undefined) u.setInput(2, u.scalar(max, u.x));
  }),
  // Inference only: the ratio and whether this is a test do not matter.
  rule(12, 'Dropout', (u) => {
    u.take('ratio');
    u.take('is_test');
  }),
  rule(6, 'Tile', (u) => {
    const [x, tiles, axis] = u.draft.inputs;
    if (axis === undefined) return;
    const at = axis.constant?.values()?.[0];
    const times = tiles?.constant?.values()?.[0];
    const rank = x?.shape?.length;
    if (at === undefined || times === undefined || rank === undefined) u.problem('Tile with an axis that is not constant');
    else u.draft.inputs = [x, u.ints(Array.from({ length: rank }, (_, i) => (i === at ? times : 1)))];
  }),
  rule(20, 'DFT', (u) => {
    const axis = u.takeInteger('axis') ?? 1;
    u.setInput(2, u.constant('int64', [], [axis]));
  }),
  rule(6, 'Cast', (u) => {
    const to = u.draft.attrs.get('to');
    if (typeof to !== 'string') return;
    const name = to.toLowerCase();
    const dtype = name === 'float' ? 'float32' : name === 'double' ? 'float64' : name;
    if (isDType(dtype)) u.draft.attrs.set('to', dtypes[dtype].onnx);
    else u.problem(`Cast to ${JSON.stringify(to)}`);
  }),
];
