/**
 * The activations of the epilogue over the whole range of float32, through the depthwise convolution of one tap with
 * weight 1: what math.inl states of them, and NaN, infinities and row ends.
 */
import { describe, expect, it } from 'vitest';
import { depthwiseParams } from '../../lib/kernels/depthwise.js';
import { type ActivationName, activation } from '../../lib/kernels/epilogue.js';
import { callKernel, rowsOf } from './harness.js';
import { definitions } from './pointwise-definitions.js';

const define = (name: string) => definitions[name as keyof typeof definitions] as (x: number) => number;
const sigmoid = define('sigmoid');
const kinds: Partial<Record<ActivationName, (x: number) => number>> = {
  sigmoid,
  silu: (x) => x * sigmoid(x),
  hardSwish: define('hardSwish'),
  tanh: define('tanh'),
  gelu: define('gelu'),
  geluTanh: define('geluTanh'),
  softplus: define('softplus'),
  mish: define('mish'),
};

// Every 65521st bit pattern (a prime), and the range where activations bend, in steps of 1/512.
const sweep = (() => {
  const patterns = Uint32Array.from({ length: 2 ** 32 / 65521 }, (_, i) => i * 65521);
  const bends = Float32Array.from({ length: 2 ** 14 }, (_, i) => i / 512 - 16);
  return Float32Array.from([...new Float32Array(patterns.buffer), ...bends]);
})();

/** y = act(x), as an image of so many channels. */
function activate(row: ReturnType<typeof rowsOf>[number], kind: ActivationName, x: Float32Array, channels: number): Float32Array {
  const pixels = x.length / channels;
  const params = {
    batch: 1,
    channels,
    inSize: [1, pixels],
    outSize: [1, pixels],
    kernel: [1, 1],
    strides: [1, 1],
    pads: [0, 0],
    dilations: [1, 1],
    ldc: channels,
    activation: activation.value(kind),
    alpha: 0,
    beta: 0,
  };
  const y = new Float32Array(x.length);
  callKernel(row, depthwiseParams, params, [y], [x, new Float32Array(channels).fill(1), undefined, undefined]);
  return y;
}

describe.each(rowsOf('depthwise', 'f32'))('$name', (row) => {
  it.each(Object.entries(kinds) as [ActivationName, (x: number) => number][])('%s', (kind, exact) => {
    const x = sweep.slice(0, sweep.length - (sweep.length % 8));
    const y = activate(row, kind, x, 8);
    for (let i = 0; i < x.length; i++) {
      const at = x[i] as number;
      const want = exact(at);
      const got = y[i] as number;
      if (Number.isNaN(want) !== Number.isNaN(got)) expect.fail(`${kind}(${at}) = ${got}, not ${want}`);
      const near = got === Math.fround(want) || Math.abs(got - want) <= 2e-7 * Math.max(1, Math.abs(at));
      if (!near && !Number.isNaN(got)) expect.fail(`${kind}(${at}) = ${got}, not ${want}`);
    }
  });

  it.each(['silu', 'gelu', 'hardSwish'] as const)('%s does not depend on where in a row a number stands', (kind) => {
    const wide = activate(row, kind, sweep.slice(-240 * 67), 240);
    for (const channels of [1, 3, 15, 20, 67]) expect(activate(row, kind, sweep.slice(-240 * 67), channels)).toEqual(wide);
  });
});
