import { kernelEnum, kernelParams } from './params.js';

export const cell = kernelEnum('Cell', ['rnn', 'gru', 'lstm']);

/** ONNX names, lower-case first letter. */
export const cellActivation = kernelEnum('CellActivation', [
  'sigmoid',
  'tanh',
  'relu',
  'affine', // alpha·x + beta
  'leakyRelu', // x < 0 ? alpha·x : x
  'thresholdedRelu', // x > alpha ? x : 0
  'scaledTanh', // alpha·tanh(beta·x)
  'hardSigmoid', // clip(alpha·x + beta, 0, 1)
  'elu', // x < 0 ? alpha·(eˣ - 1) : x
  'softsign', // x / (1 + |x|)
  'softplus', // log(1 + eˣ)
]);

/** Columns of a panel of recurrent weights: one zmm or two ymm. */
export const CELL_PANEL = 16;

/**
 * Steps a recurrent layer through time; the input's part of every gate (x·Wᵀ + Wb) has been computed.
 * Operands: y?, yh?, yc?; projection of direction 0, of direction 1?, packed recurrent weights, bias?, lengths?, h0?, c0?,
 * peepholes?.
 * Recurrent weights: gemm_pack_b of directions·gates matrices [hidden, hidden], transB, nr = CELL_PANEL.
 * `reverse`: bit d set where direction d runs from the end. Activations of direction d start at 3d. layout as in ONNX.
 */
export const recurrentParams = kernelParams('RecurrentParams', {
  kind: 'i32',
  directions: 'i32',
  reverse: 'u32',
  layout: 'i32',
  linearBeforeReset: 'i32',
  inputForget: 'i32',
  clip: 'f32',
  spare: 'i32',
  steps: 'i64',
  batch: 'i64',
  hidden: 'i64',
  activation: 'i32[6]',
  alpha: 'f32[6]',
  beta: 'f32[6]',
});

export const cellGates = { rnn: 1, gru: 3, lstm: 4 } as const;
