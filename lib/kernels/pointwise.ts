/**
 * The elementwise interpreter: a short list of steps runs over blocks of elements that stay in L1. One call covers a
 * single operator or a fused tree of them.
 */
import { kernelEnum, kernelParams } from './params.js';

/** Most inputs, registers, steps and dimensions (after merging) of one call. */
export const POINTWISE_LIMITS = { inputs: 16, registers: 12, steps: 64, immediates: 64, rank: 8 } as const;

/** What one step computes from its operands a, b, c. Comparisons and predicates give 1 or 0. */
export const pointwiseOp = kernelEnum('PointwiseOp', [
  'copy',
  'abs',
  'neg',
  'sign',
  'floor',
  'ceil',
  'round', // half to even
  'reciprocal',
  'sqrt',
  'exp',
  'log',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'asinh',
  'acosh',
  'atanh',
  'erf',
  'sigmoid',
  'softplus',
  'softsign', // a / (1 + |a|)
  'relu',
  'gelu',
  'geluTanh',
  'mish',
  'hardSwish',
  'logicalNot',
  'isNaN',
  'bitwiseNot',
  'add',
  'sub',
  'mul',
  'div',
  'pow',
  'mod', // sign of the divisor
  'fmod', // sign of the dividend
  'min',
  'max',
  'leakyRelu', // a < 0 ? b·a : a
  'elu', // a < 0 ? b·(eᵃ-1) : a
  'celu', // max(a, 0) + min(0, b·(e^(a/b)-1))
  'thresholdedRelu', // a > b ? a : 0
  'swish', // a·sigmoid(b·a)
  'equal',
  'less',
  'lessOrEqual',
  'logicalAnd',
  'logicalOr',
  'logicalXor',
  'bitwiseAnd',
  'bitwiseOr',
  'bitwiseXor',
  'shiftLeft',
  'shiftRight',
  'clip', // min(max(a, b), c)
  'selu', // c·(a < 0 ? b·(eᵃ-1) : a)
  'shrink', // a < -b ? a+c : a > b ? a-c : 0
  'hardSigmoid', // clip(b·a + c, 0, 1)
  'isInf', // a = -inf and b, or a = +inf and c
  'where', // a ? b : c
  'mulAdd', // a·b + c
]);

export type PointwiseOpName = (typeof pointwiseOp.members)[number];

/**
 * How an operand's elements are stored. `own` is the element type of the row; the bytes are quantized numbers, whole and in
 * their range when they are written (a step before sees to both).
 */
export const pointwiseType = kernelEnum('PointwiseType', ['own', 'boolean', 'half', 'bfloat', 'byte', 'signedByte']);

/**
 * The output is [dims]; every input is contiguous and has those dimensions whose bit is set in its mask (the others
 * are broadcast). Tail words: per input `mask | type << 8`; immediates as float bits; steps of four words
 * `op | register << 16, a, b, c`, an operand being `kind << 24 | index`. The last step writes the output.
 */
export const pointwiseParams = kernelParams(
  'PointwiseParams',
  { dims: 'i64[8]', rank: 'i32', inputs: 'i32', immediates: 'i32', steps: 'i32', registers: 'i32', outputType: 'i32' },
  { tail: true },
);

export const pointwiseSource = kernelEnum('PointwiseSource', ['none', 'register_', 'input', 'immediate']);
