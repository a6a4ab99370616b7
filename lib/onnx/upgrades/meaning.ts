/** Operators whose meaning or name changed. */
import { type Rule, rule, type Upgrade } from './rule.js';

/**
 * Softmax over all dimensions from `axis` on: x → Flatten(axis) → Softmax(-1) → Reshape(Shape(x)). Nothing to do where
 * `axis` is the last one.
 */
function flattenedSoftmax(u: Upgrade): void {
  const axis = u.takeInteger('axis') ?? 1;
  const { x } = u;
  u.draft.attrs.set('axis', -1);
  const rank = x.shape?.length;
  if (axis === -1 || (rank !== undefined && axis === rank - 1)) return;
  u.draft.inputs[0] = u.emit('Flatten', [x], { axis }, x.dtype);
  const shape = u.emit('Shape', [x], {}, 'int64');
  u.follow('Reshape', (y) => [y, shape]);
}

/** The resampling of opset 10 and before: asymmetric coordinates, nearest = floor. */
function toResize(u: Upgrade, scales: ReturnType<Upgrade['input']>): void {
  const mode = u.draft.attrs.get('mode') ?? 'nearest';
  u.become('Resize', [u.x, undefined, scales], {
    mode: mode === 'bilinear' ? 'linear' : mode,
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });
}

const gridModes: Readonly<Record<string, string>> = { bilinear: 'linear', bicubic: 'cubic' };

export const meaningRules: readonly Rule[] = [
  rule(13, ['Softmax', 'LogSoftmax', 'Hardmax'], flattenedSoftmax),

  rule(7, 'Upsample', (u) => {
    const height = u.takeNumber('height_scale');
    const width = u.takeNumber('width_scale');
    if (height !== undefined && width !== undefined) u.draft.attrs.set('scales', [1, 1, height, width]);
  }),
  rule(9, 'Upsample', (u) => {
    const scales = u.takeNumbers('scales');
    if (scales !== undefined) u.setInput(1, u.constant('float32', [scales.length], scales));
  }),
  rule(Number.POSITIVE_INFINITY, 'Upsample', (u) => toResize(u, u.input(1))),
  rule(11, 'Resize', (u) => toResize(u, u.input(1))),
  rule(13, 'Resize', (u) => {
    if (u.draft.attrs.get('coordinate_transformation_mode') !== 'tf_half_pixel_for_nn') return;
    // floor((i + 0.5) / scale) is the half-pixel coordinate rounded, halves up.
    if (u.draft.attrs.get('nearest_mode') !== 'floor') return u.problem('coordinate_transformation_mode tf_half_pixel_for_nn without nearest_mode floor');
    u.draft.attrs.set('coordinate_transformation_mode', 'half_pixel');
    u.draft.attrs.set('nearest_mode', 'round_prefer_ceil');
  }),
  // Opset 11 had no way to leave roi and scales out but an empty tensor; exporters still write them so.
  rule(Number.POSITIVE_INFINITY, 'Resize', (u) => {
    const { inputs } = u.draft;
    for (let i = 1; i < inputs.length; i++) if (inputs[i]?.constant?.dims.includes(0)) inputs[i] = undefined;
    while (inputs.length > 0 && inputs[inputs.length - 1] === undefined) inputs.pop();
  }),

  // Deprecated in 11: the same thing under another name.
  rule(Number.POSITIVE_INFINITY, 'Scatter', (u) => {
    u.draft.op = 'ScatterElements';
  }),

  rule(16, 'RoiAlign', (u) => u.draft.attrs.set('coordinate_transformation_mode', 'output_half_pixel')),
  rule(20, 'GridSample', (u) => {
    const mode = u.draft.attrs.get('mode') ?? 'bilinear';
    if (typeof mode === 'string') u.draft.attrs.set('mode', gridModes[mode] ?? mode);
  }),

  // Opset 18 has one scale and bias per group, the newest form one per channel: each is repeated C / groups times.
  rule(21, 'GroupNormalization', (u) => {
    const groups = u.draft.attrs.get('num_groups');
    if (typeof groups !== 'number') return;
    const channels = u.emit('Shape', [u.x], { start: 1, end: 2 }, 'int64');
    const repeats = u.emit('Div', [channels, u.ints([groups])], {}, 'int64');
    const shape = u.emit('Concat', [u.ints([groups]), repeats], { axis: 0 }, 'int64');
    for (const i of [1, 2]) {
      const perGroup = u.input(i);
      const column = u.emit('Reshape', [perGroup, u.ints([groups, 1])], {}, perGroup.dtype);
      const repeated = u.emit('Expand', [column, shape], {}, perGroup.dtype);
      u.draft.inputs[i] = u.emit('Reshape', [repeated, u.ints([-1])], {}, perGroup.dtype);
    }
  }),

  rule(14, 'BatchNormalization', (u) => {
    u.take('is_test');
    if (u.takeInteger('spatial') !== 0) return;
    // One statistic per element of a sample: y = (x - mean) / sqrt(variance + epsilon) * scale + bias.
    const [x, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map((i) => u.input(i)) as [typeof u.x, typeof u.x, typeof u.x, typeof u.x, typeof u.x];
    const epsilon = u.takeNumber('epsilon') ?? 1e-5;
    const shifted = u.emit('Add', [variance, u.scalar(epsilon, variance)], {}, x.dtype);
    const deviation = u.emit('Sqrt', [shifted], {}, x.dtype);
    const centred = u.emit('Sub', [x, mean], {}, x.dtype);
    const normal = u.emit('Div', [centred, deviation], {}, x.dtype);
    const scaled = u.emit('Mul', [normal, scale], {}, x.dtype);
    u.become('Add', [scaled, bias]);
  }),

  // Files made by training frameworks name the running statistics even where they are not computed.
  rule(Number.POSITIVE_INFINITY, 'BatchNormalization', (u) => {
    if (u.draft.op !== 'BatchNormalization' || (u.draft.attrs.get('training_mode') ?? 0) !== 0) return;
    if (u.draft.outputs.slice(1).some((v) => u.environment.isRead(v.name))) u.problem('training outputs of BatchNormalization without training_mode');
    u.draft.outputs.length = 1;
  }),

  rule(9, 'Scan', (u) => u.problem('Scan with a batch dimension')),
];
