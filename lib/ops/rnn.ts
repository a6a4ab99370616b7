/**
 * RNN, GRU and LSTM: one matrix product over the whole sequence for the input's part of the gates, then the recurrent
 * kernel steps through time.
 */

import type { Lowering } from '../compile/lowering.js';
import type { Ref } from '../compile/step.js';
import type { Dim } from '../graph/dim.js';
import type { Node } from '../graph/graph.js';
import { gemmPackBParams, gemmParams, packedElements } from '../kernels/gemm.js';
import { CELL_PANEL, cell, cellActivation, cellGates, recurrentParams } from '../kernels/rnn.js';
import { orUnknown } from './known.js';
import type { Inference, Operator } from './operator.js';

type Kind = (typeof cell.members)[number];
type ActivationName = (typeof cellActivation.members)[number];

const defaults: Record<Kind, readonly ActivationName[]> = { rnn: ['tanh'], gru: ['sigmoid', 'tanh'], lstm: ['sigmoid', 'tanh', 'tanh'] };

/** The numbers of activations that take some, where the node gives none. */
const numbers: Partial<Record<ActivationName, readonly [alpha: number, beta: number]>> = {
  affine: [1, 0],
  leakyRelu: [0.01, 0],
  thresholdedRelu: [1, 0],
  scaledTanh: [1, 1],
  hardSigmoid: [0.2, 0.5],
  elu: [1, 0],
};
const takesBeta: ReadonlySet<ActivationName> = new Set(['affine', 'scaledTanh', 'hardSigmoid'] as const);

function directionsOf(node: Node): { count: 1 | 2; reverse: number } {
  const direction = node.string('direction', 'forward');
  return { count: direction === 'bidirectional' ? 2 : 1, reverse: direction === 'reverse' ? 1 : direction === 'bidirectional' ? 2 : 0 };
}

/** Names as given, any letter case; undefined for one that does not exist. */
function activationNamed(name: string): ActivationName | undefined {
  return cellActivation.members.find((m) => m.toLowerCase() === name.toLowerCase());
}

/** Three slots a direction, with their numbers taken from the lists in order by those that use them. */
function activationsOf(node: Node, kind: Kind): { activation: number[]; alpha: number[]; beta: number[] } {
  const { count } = directionsOf(node);
  const given = node.attrs.get('activations') as readonly string[] | undefined;
  const own = defaults[kind];
  const names = given === undefined || given.length === 0 ? Array.from({ length: count }, () => own).flat() : given.map((n) => activationNamed(n) ?? 'tanh');
  const alphas = [...node.floats('activation_alpha', [])];
  const betas = [...node.floats('activation_beta', [])];
  const out = { activation: new Array<number>(6).fill(0), alpha: new Array<number>(6).fill(0), beta: new Array<number>(6).fill(0) };
  names.forEach((name, i) => {
    const at = Math.floor(i / own.length) * 3 + (i % own.length);
    const standard = numbers[name];
    out.activation[at] = cellActivation.value(name);
    if (standard === undefined) return;
    out.alpha[at] = alphas.shift() ?? standard[0];
    out.beta[at] = takesBeta.has(name) ? (betas.shift() ?? standard[1]) : 0;
  });
  return out;
}

function inferRecurrent(q: Inference, kind: Kind): ReturnType<Operator['infer']> {
  const { node } = q;
  const direction = node.string('direction', 'forward');
  if (!['forward', 'reverse', 'bidirectional'].includes(direction)) q.fail('direction must be forward, reverse or bidirectional', direction);
  const { count } = directionsOf(node);
  const given = node.attrs.get('activations');
  if (Array.isArray(given) && given.length > 0) {
    if (given.length !== count * defaults[kind].length) q.fail(`activations must name ${count * defaults[kind].length} functions`, `${given.length} came`);
    for (const name of given) if (activationNamed(String(name)) === undefined) q.fail('activations must be functions of the operator', `${name} came`);
  }
  const dtype = q.dtype(0);
  const types = (shapes: readonly (readonly Dim[] | undefined)[]) => shapes.map((shape) => ({ dtype, shape }));
  const outputs = kind === 'lstm' ? 3 : 2;
  const shape = orUnknown(q, () => q.shape(0));
  const weights = orUnknown(q, () => q.shape(2));
  if (shape === undefined || weights === undefined) return types(new Array<undefined>(outputs).fill(undefined));
  if (shape.length !== 3 || weights.length !== 3) q.fail('input and weights must have 3 dimensions', q.inputTexts());
  const hidden = node.has('hidden_size') ? node.int('hidden_size') : (weights[2] as Dim);
  const rows = typeof hidden === 'number' ? cellGates[kind] * hidden : undefined;
  const input = orUnknown(q, () => q.shape(1));
  const clash = (have: Dim | undefined, want: Dim | undefined) => typeof have === 'number' && typeof want === 'number' && have !== want;
  if (
    clash(weights[0], count) ||
    clash(weights[1], rows) ||
    clash(weights[2], hidden) ||
    clash(input?.[0], count) ||
    clash(input?.[1], rows) ||
    clash(input?.[2], shape[2])
  )
    q.fail(`weights must be [${count}, ${rows ?? '?'}, input] and [${count}, ${rows ?? '?'}, ${hidden}]`, q.inputTexts());
  const batchFirst = node.int('layout', 0) === 1;
  const [first, second] = shape as [Dim, Dim, Dim];
  const batch = batchFirst ? first : second;
  const state = batchFirst ? [batch, count, hidden] : [count, batch, hidden];
  const sequence = batchFirst ? [first, second, count, hidden] : [first, count, second, hidden];
  return types([sequence, ...new Array<readonly Dim[]>(outputs - 1).fill(state)]);
}

/** x·Wᵀ + Wb for every step of one direction: [steps·batch, gates·hidden]. */
function project(low: Lowering, packed: Ref, matrix: number, rows: number, inner: number, columns: number, bias: Ref | undefined): Ref {
  const gemm = low.select('gemm', low.dtype(0));
  const size = packedElements(inner, columns, gemm.nr) * 4;
  const out = low.temp(rows * columns * 4, `projection${matrix}`);
  const one = [1, 1, 1, 1];
  const none = [0, 0, 0, 0];
  low.emit(
    gemm,
    gemmParams,
    {
      m: rows,
      n: columns,
      k: inner,
      lda: inner,
      ldc: columns,
      residualRow: 0,
      biasRow: 0,
      batch: one,
      strideA: none,
      strideB: none,
      strideC: none,
      strideResidual: none,
      biasColumn: bias === undefined ? 0 : 1,
      transA: 0,
      scale: 1,
      addScale: 1,
      activation: 0,
      alpha: 0,
      beta: 0,
      reserved: 0,
    },
    [out],
    [low.in(0), { buffer: packed.buffer, offset: packed.offset + matrix * size, bytes: size }, bias, undefined],
  );
  return out;
}

function lowerRecurrent(low: Lowering, kind: Kind): void {
  const { node } = low;
  const { count, reverse } = directionsOf(node);
  const batchFirst = node.int('layout', 0) === 1;
  const [first, second, inner] = low.dims(0) as [number, number, number];
  const hidden = low.dims(2)[2] as number;
  const steps = batchFirst ? second : first;
  const batch = batchFirst ? first : second;
  const gates = cellGates[kind];
  const columns = gates * hidden;
  const type = low.dtype(0);
  const gemm = low.select('gemm', type);
  const row = low.select('recurrent', type);
  const pack = low.select('gemm_pack_b', type);
  const packedInput = low.emit(
    pack,
    gemmPackBParams,
    { count, k: inner, n: columns, ldb: inner, stride: columns * inner, transB: 1, nr: gemm.nr },
    [low.temp(count * packedElements(inner, columns, gemm.nr) * 4, 'input weights')],
    [low.in(1)],
  )[0] as Ref;
  const packedState = low.emit(
    pack,
    gemmPackBParams,
    { count: count * gates, k: hidden, n: hidden, ldb: hidden, stride: hidden * hidden, transB: 1, nr: CELL_PANEL },
    [low.temp(count * gates * packedElements(hidden, hidden, CELL_PANEL) * 4, 'recurrent weights')],
    [low.in(2)],
  )[0] as Ref;
  const bias = low.input(3);
  const biasOf = (d: number) => bias && { buffer: bias.buffer, offset: bias.offset + d * 2 * columns * 4, bytes: columns * 4 };
  const projections = Array.from({ length: count }, (_, d) => project(low, packedInput, d, steps * batch, inner, columns, biasOf(d)));
  const wanted = (i: number) => (low.wanted(i) ? low.out(i) : undefined);
  low.emit(
    row,
    recurrentParams,
    {
      kind: cell.value(kind),
      directions: count,
      reverse,
      layout: batchFirst ? 1 : 0,
      linearBeforeReset: node.int('linear_before_reset', 0) === 0 ? 0 : 1,
      inputForget: node.int('input_forget', 0) === 0 ? 0 : 1,
      clip: node.float('clip', 0),
      spare: 0,
      steps,
      batch,
      hidden,
      ...activationsOf(node, kind),
    },
    [wanted(0), wanted(1), kind === 'lstm' ? wanted(2) : undefined],
    [
      projections[0],
      projections[1],
      packedState,
      bias,
      low.input(4),
      low.input(5),
      kind === 'lstm' ? low.input(6) : undefined,
      kind === 'lstm' ? low.input(7) : undefined,
    ],
  );
}

function recurrentOperator(name: string, kind: Kind): Operator {
  return { name, domain: '', infer: (q) => inferRecurrent(q, kind), lower: (low) => lowerRecurrent(low, kind) };
}

export const rnnOperators: readonly Operator[] = [recurrentOperator('RNN', 'rnn'), recurrentOperator('GRU', 'gru'), recurrentOperator('LSTM', 'lstm')];
