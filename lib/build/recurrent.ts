/** Recurrent networks over a sequence; WebNN names, options and gate orders. */
import { dsnkError } from '../errors.js';
import type { TensorLike } from '../tensor.js';
import type { Labelled } from './elementwise.js';
import { type Arg, emit, oneOf, type Result, shapeOf } from './operand.js';
import { concat } from './structure.js';

type Dense = Exclude<Arg, number>;
export type RecurrentActivation = 'relu' | 'sigmoid' | 'tanh';

export interface RecurrentOptions extends Labelled {
  /** [directions, gates·hiddenSize], added with the input's product. */
  readonly bias?: Dense;
  /** [directions, gates·hiddenSize], added with the state's product. */
  readonly recurrentBias?: Dense;
  /** [directions, batch, hiddenSize]; default zeros. */
  readonly initialHiddenState?: Dense;
  /** Also return the states of all steps, [steps, directions, batch, hiddenSize]. */
  readonly returnSequence?: boolean;
  readonly direction?: 'forward' | 'backward' | 'both';
}

export interface GruOptions extends RecurrentOptions {
  /** Apply the reset gate after the product with the state; default true. */
  readonly resetAfter?: boolean;
  /** Order of the gates in the weights: update, reset, new. */
  readonly layout?: 'zrn';
  /** Of the update and reset gates, and of the new one. */
  readonly activations?: readonly [RecurrentActivation, RecurrentActivation];
}

export interface LstmOptions extends RecurrentOptions {
  /** [directions, 3·hiddenSize] in the order input, output, forget. */
  readonly peepholeWeight?: Dense;
  /** [directions, batch, hiddenSize]; default zeros. */
  readonly initialCellState?: Dense;
  /** Order of the gates in the weights: input, output, forget, cell. */
  readonly layout?: 'iofg';
  /** Of the gates, of the cell gate, and of the state. */
  readonly activations?: readonly [RecurrentActivation, RecurrentActivation, RecurrentActivation];
}

const directions = { forward: 'forward', backward: 'reverse', both: 'bidirectional' } as const;
const onnxActivation = { relu: 'Relu', sigmoid: 'Sigmoid', tanh: 'Tanh' } as const;

/** What both networks share: ONNX attributes, and the two biases side by side as ONNX wants them. */
function common(op: string, x: Dense, steps: number, hiddenSize: number, gates: number, options: GruOptions | LstmOptions) {
  const sequence = shapeOf(x)[0];
  if (typeof sequence === 'number' && sequence !== steps) {
    throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', op, `input [steps,batch,inputSize] must have ${steps} steps`, `${sequence} came`);
  }
  const expected = op === 'LSTM' ? 'iofg' : 'zrn';
  const { layout = expected, direction: way = 'forward', activations = [] } = options;
  oneOf(op, 'layout', layout, [expected]);
  oneOf(op, 'direction', way, Object.keys(directions));
  for (const a of activations) oneOf(op, 'activations', a, Object.keys(onnxActivation));
  const direction = directions[way];
  const count = direction === 'bidirectional' ? 2 : 1;
  const acts = options.activations?.map((a) => onnxActivation[a]);
  const width = gates * hiddenSize;
  const zeros = (): TensorLike => ({ type: 'float32', dims: [count, width], data: new Float32Array(count * width) });
  const { bias, recurrentBias } = options;
  return {
    attrs: { hidden_size: hiddenSize, direction, ...(acts && { activations: count === 2 ? [...acts, ...acts] : acts }) },
    bias: bias === undefined && recurrentBias === undefined ? undefined : (concat([bias ?? zeros(), recurrentBias ?? zeros()], 1) as Dense),
  };
}

/**
 * x [steps,batch,inputSize], weight [directions, 3·hiddenSize, inputSize], recurrentWeight [directions, 3·hiddenSize, hiddenSize].
 * Returns the last state [directions,batch,hiddenSize], then the sequence where it is asked for.
 */
export function gru<X extends Dense, W extends Dense>(
  x: X,
  weight: W,
  recurrentWeight: Dense,
  steps: number,
  hiddenSize: number,
  options: GruOptions = {},
): Result<X | W>[] {
  const { attrs, bias } = common('GRU', x, steps, hiddenSize, 3, options);
  const [sequence, last] = emit({
    op: 'GRU',
    inputs: [x, weight, recurrentWeight, bias, undefined, options.initialHiddenState],
    attrs: { ...attrs, linear_before_reset: (options.resetAfter ?? true) ? 1 : 0 },
    outputs: 2,
    label: options.label,
  });
  return (options.returnSequence ? [last, sequence] : [last]) as Result<X | W>[];
}

/**
 * x [steps,batch,inputSize], weight [directions, 4·hiddenSize, inputSize], recurrentWeight [directions, 4·hiddenSize, hiddenSize].
 * Returns the last hidden and cell states [directions,batch,hiddenSize], then the sequence where it is asked for.
 */
export function lstm<X extends Dense, W extends Dense>(
  x: X,
  weight: W,
  recurrentWeight: Dense,
  steps: number,
  hiddenSize: number,
  options: LstmOptions = {},
): Result<X | W>[] {
  const { attrs, bias } = common('LSTM', x, steps, hiddenSize, 4, options);
  const [sequence, hidden, cell] = emit({
    op: 'LSTM',
    inputs: [x, weight, recurrentWeight, bias, undefined, options.initialHiddenState, options.initialCellState, options.peepholeWeight],
    attrs,
    outputs: 3,
    label: options.label,
  });
  return (options.returnSequence ? [hidden, cell, sequence] : [hidden, cell]) as Result<X | W>[];
}
