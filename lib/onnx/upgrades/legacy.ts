/** The first years: broadcasting by attribute, defaults that changed, and the experimental operators of opsets 1 to 9. */
import { type Rule, rule, type Upgrade } from './rule.js';

/** `broadcast` and `axis`: dimension i of B stands at dimension axis + i of A, later ones broadcast. */
function broadcastByAxis(u: Upgrade): void {
  const broadcast = u.takeInteger('broadcast') ?? 0;
  const axis = u.takeInteger('axis');
  if (broadcast === 0 || axis === undefined) return;
  const b = u.input(1);
  const rank = u.x.shape?.length;
  const inner = b.shape?.length;
  if (rank === undefined || inner === undefined) {
    u.problem('broadcast along an axis of a tensor whose rank is not known');
    return;
  }
  const first = axis < 0 ? axis + rank : axis;
  const ones = rank - first - inner;
  if (first < 0 || ones < 0) {
    u.problem(`broadcast of rank ${inner} at axis ${axis} of rank ${rank}`);
    return;
  }
  // Without dimensions there is nothing to align.
  u.draft.inputs[1] = inner === 0 ? b : u.appendOnes(b, ones);
}

function integerPower(u: Upgrade): void {
  const p = u.takeInteger('p') ?? 2;
  if (Number.isInteger(p)) u.draft.attrs.set('p', p);
  else u.problem(`p = ${p}`);
}

export const legacyRules: readonly Rule[] = [
  rule(7, ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'And', 'Or', 'Xor', 'Equal', 'Greater', 'Less'], broadcastByAxis),
  rule(7, 'Gemm', (u) => u.take('broadcast')),
  // The slope of opset 6 is per channel, the newest one broadcasts from the last dimension.
  rule(7, 'PRelu', (u) => {
    const slope = u.input(1);
    const rank = u.x.shape?.length;
    if (slope.shape?.length !== 1 || slope.shape[0] === 1) return;
    if (rank === undefined) return u.problem('PRelu per channel of a tensor whose rank is not known');
    u.draft.inputs[1] = u.appendOnes(slope, Math.max(0, rank - 2));
  }),
  rule(4, 'Concat', (u) => {
    if (!u.draft.attrs.has('axis')) u.draft.attrs.set('axis', 1);
  }),
  rule(2, ['LpPool', 'GlobalLpPool', 'LpNormalization'], integerPower),
  rule(6, 'Selu', (u) => {
    if (!u.draft.attrs.has('alpha')) u.draft.attrs.set('alpha', Math.fround(1.6732));
    if (!u.draft.attrs.has('gamma')) u.draft.attrs.set('gamma', Math.fround(1.0507));
  }),
  rule(7, ['RNN', 'GRU', 'LSTM'], (u) => u.take('output_sequence')),
  rule(9, 'MeanVarianceNormalization', (u) => {
    const across = u.takeInteger('across_channels') ?? 0;
    const rank = u.x.shape?.length ?? 4;
    if ((u.takeInteger('normalize_variance') ?? 1) !== 1) u.problem('MeanVarianceNormalization without variance');
    u.draft.attrs.set(
      'axes',
      Array.from({ length: rank }, (_, i) => i).filter((axis) => across === 1 || axis !== 1),
    );
  }),

  rule(10, 'Affine', (u) => {
    const { x } = u;
    const scaled = u.emit('Mul', [x, u.scalar(u.takeNumber('alpha') ?? 1, x)], {}, x.dtype);
    u.become('Add', [scaled, u.scalar(u.takeNumber('beta') ?? 0, x)]);
  }),
  rule(10, 'Scale', (u) => u.become('Mul', [u.x, u.scalar(u.takeNumber('scale') ?? 1, u.x)])),
  rule(10, 'ScaledTanh', (u) => {
    const { x } = u;
    const alpha = u.scalar(u.takeNumber('alpha') ?? 1, x);
    const inner = u.emit('Mul', [x, u.scalar(u.takeNumber('beta') ?? 1, x)], {}, x.dtype);
    u.become('Mul', [u.emit('Tanh', [inner], {}, x.dtype), alpha]);
  }),
  rule(10, 'ParametricSoftplus', (u) => {
    const { x } = u;
    const alpha = u.scalar(u.takeNumber('alpha') ?? 1, x);
    const inner = u.emit('Mul', [x, u.scalar(u.takeNumber('beta') ?? 1, x)], {}, x.dtype);
    u.become('Mul', [u.emit('Softplus', [inner], {}, x.dtype), alpha]);
  }),
  rule(10, 'ImageScaler', (u) => {
    const { x } = u;
    const bias = u.takeNumbers('bias') ?? [0];
    const scaled = u.emit('Mul', [x, u.scalar(u.takeNumber('scale') ?? 1, x)], {}, x.dtype);
    u.become('Add', [scaled, u.constant('float32', [bias.length, 1, 1], bias)]);
  }),
  rule(10, 'Crop', (u) => {
    const [left = 0, top = 0, right = 0, bottom = 0] = u.takeIntegers('border') ?? [];
    const size = u.takeIntegers('scale');
    const end = (border: number) => (border === 0 ? 2 ** 63 : -border);
    const ends = size === undefined ? [end(bottom), end(right)] : [top + (size[0] ?? 0), left + (size[1] ?? 0)];
    u.become('Slice', [u.x, u.ints([top, left]), u.ints(ends), u.ints([2, 3])]);
  }),
];
