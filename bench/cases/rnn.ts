import { CELL_PANEL, type cell, cellActivation, cellGates, recurrentParams } from '../../lib/kernels/rnn.js';
import { floats, type KernelCase } from './case.js';

type Kind = (typeof cell.members)[number];
type ActivationName = (typeof cellActivation.members)[number];
const kinds: readonly Kind[] = ['rnn', 'gru', 'lstm'];

export interface CellOptions {
  directions?: 1 | 2;
  reverse?: number;
  layout?: 0 | 1;
  linearBeforeReset?: boolean;
  inputForget?: boolean;
  clip?: number;
  lengths?: readonly number[];
  initial?: boolean;
  peepholes?: boolean;
  bias?: boolean;
  activations?: readonly ActivationName[];
}

/** Recurrent weights as gemm_pack_b lays them out: [matrix, panel, k, CELL_PANEL] of matrices [hidden, hidden]. */
export function packCell(weights: Float32Array, matrices: number, hidden: number): Float32Array {
  const panels = Math.ceil(hidden / CELL_PANEL);
  const packed = new Float32Array(matrices * panels * CELL_PANEL * hidden);
  for (let m = 0; m < matrices; m++)
    for (let j = 0; j < hidden; j++)
      for (let k = 0; k < hidden; k++)
        packed[((m * panels + Math.floor(j / CELL_PANEL)) * hidden + k) * CELL_PANEL + (j % CELL_PANEL)] = weights[(m * hidden + j) * hidden + k] as number;
  return packed;
}

export interface CellCase extends KernelCase {
  readonly kind: Kind;
  /** Recurrent weights before packing. */
  weights(): Float32Array;
}

export function cellCase(kind: Kind, steps: number, batch: number, hidden: number, o: CellOptions = {}, bench = false): CellCase {
  const gates = cellGates[kind];
  const directions = o.directions ?? 1;
  const standard: readonly ActivationName[] = o.activations ?? (kind === 'rnn' ? ['tanh'] : ['sigmoid', 'tanh', 'tanh']);
  const slots = [0, 1].flatMap(() => [0, 1, 2].map((i) => cellActivation.value(standard[i % standard.length] as ActivationName)));
  const state = directions * batch * hidden;
  // small enough that h stays in the sensitive part of the activations
  const weights = () => floats(directions * gates * hidden * hidden, 2, -1 / Math.sqrt(hidden), 1 / Math.sqrt(hidden));
  return {
    name: `${kind} [${steps},${batch},${hidden}] ${JSON.stringify(o)}`,
    op: 'recurrent',
    dtypes: 'f32',
    schema: recurrentParams,
    kind,
    weights,
    params: {
      kind: kinds.indexOf(kind),
      directions,
      reverse: o.reverse ?? (directions === 2 ? 2 : 0),
      layout: o.layout ?? 0,
      linearBeforeReset: o.linearBeforeReset ? 1 : 0,
      inputForget: o.inputForget ? 1 : 0,
      clip: o.clip ?? 0,
      spare: 0,
      steps,
      batch,
      hidden,
      activation: slots,
      alpha: slots.map(() => 0.3),
      beta: slots.map(() => 0.6),
    },
    outputs: () => [new Float32Array(steps * state), new Float32Array(state), kind === 'lstm' ? new Float32Array(state) : undefined],
    inputs: () => [
      floats(steps * batch * gates * hidden, 3, -2, 2),
      directions === 2 ? floats(steps * batch * gates * hidden, 4, -2, 2) : undefined,
      packCell(weights(), directions * gates, hidden),
      o.bias ? floats(directions * 2 * gates * hidden, 5) : undefined,
      o.lengths && Int32Array.from(o.lengths),
      o.initial ? floats(state, 6) : undefined,
      o.initial && kind === 'lstm' ? floats(state, 7) : undefined,
      o.peepholes ? floats(directions * 3 * hidden, 8) : undefined,
    ],
    bench,
    flops: 2 * steps * directions * batch * gates * hidden * hidden,
  };
}

export const cases: readonly CellCase[] = [
  ...kinds.flatMap((kind) => [
    ...[1, 2, 7, 8, 15, 16, 17, 33, 64, 65, 130].map((hidden) => cellCase(kind, 3, 1, hidden, { bias: true, initial: true })),
    ...[2, 3, 4, 5, 9].map((batch) => cellCase(kind, 2, batch, 18, { initial: true })),
    cellCase(kind, 0, 2, 5, { initial: true }),
    cellCase(kind, 3, 0, 5),
    cellCase(kind, 4, 5, 9, { directions: 2, bias: true, initial: true, lengths: [4, 0, 2, 1, 3] }),
    cellCase(kind, 4, 5, 9, { directions: 2, layout: 1, bias: true, initial: true, lengths: [1, 4, 4, 3, 2] }),
    cellCase(kind, 4, 2, 9, { reverse: 1, clip: 0.5, bias: true }),
  ]),
  cellCase('gru', 3, 5, 20, { linearBeforeReset: true, bias: true, initial: true }),
  cellCase('gru', 3, 1, 8, { linearBeforeReset: true, layout: 1, directions: 2, bias: true }),
  cellCase('lstm', 3, 5, 20, { peepholes: true, bias: true, initial: true }),
  cellCase('lstm', 3, 2, 20, { peepholes: true, inputForget: true, directions: 2 }),
  // beyond what one block of a GPU reads in a step
  cellCase('lstm', 4, 5, 130, { directions: 2, bias: true, initial: true, lengths: [4, 0, 2, 1, 3], peepholes: true }),
  cellCase('gru', 3, 3, 212, { directions: 2, layout: 1, bias: true, lengths: [3, 1, 0] }),
  cellCase('gru', 3, 2, 212, { reverse: 1, initial: true }),
  ...cellActivation.members.map((name) => cellCase('rnn', 2, 1, 20, { activations: [name] })),
  cellCase('lstm', 1, 1, 128, { initial: true }, true), // silero VAD, one frame
  cellCase('lstm', 64, 1, 512, { bias: true }, true),
  cellCase('gru', 100, 16, 256, { bias: true, linearBeforeReset: true }, true),
];
