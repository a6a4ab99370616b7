/**
 * The one epilogue record of GEMM, convolution and attention projections: y = activation(accumulator + bias + residual).
 * Kernels take the activation and its two numbers as parameters, bias and residual as optional operands.
 */
import { kernelEnum } from './params.js';

export const activation = kernelEnum('Activation', [
  'none',
  'relu', // max(x, 0)
  'clip', // min(max(x, alpha), beta)
  'leakyRelu', // x < 0 ? alpha·x : x
  'elu', // x < 0 ? alpha·(eˣ-1) : x
  'sigmoid',
  'hardSigmoid', // clip(alpha·x + beta, 0, 1)
  'silu', // x·sigmoid(x)
  'hardSwish', // x·clip(x/6 + 1/2, 0, 1)
  'tanh',
  'gelu', // x·Φ(x), by erf
  'geluTanh', // the tanh approximation
  'softplus',
  'mish', // x·tanh(softplus(x))
]);

export type ActivationName = (typeof activation.members)[number];

/** The fields to spread into a parameter schema. */
export const epilogueFields = { activation: 'i32', alpha: 'f32', beta: 'f32' } as const;

/** An activation with its numbers, as nodes carry it in attributes. */
export interface Activation {
  readonly kind: ActivationName;
  readonly alpha: number;
  readonly beta: number;
}

export const noActivation: Activation = { kind: 'none', alpha: 0, beta: 0 };

/** The parameter values of an activation. */
export function epilogueParams(a: Activation): { activation: number; alpha: number; beta: number } {
  return { activation: activation.value(a.kind), alpha: a.alpha, beta: a.beta };
}
