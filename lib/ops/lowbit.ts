/**
 * Products with weights of few bits: MatMulNBits, and dsnk.LowBitMatMul for DequantizeLinear before MatMul or Gemm. The weights are packed
 * once and stay in their bits. With `accuracy_level` 4 the rows of activations become integers of eight bits, one scale
 * a group; else they stay floats.
 */
import type { Lowering } from '../compile/lowering.js';
import type { Ref } from '../compile/step.js';
import { dtypes } from '../dtype.js';
import { dsnkError } from '../errors.js';
import { type Dim, elementCount } from '../graph/dim.js';
import type { Node } from '../graph/graph.js';
import {
  LOWBIT_GROUP,
  LOWBIT_UNIT,
  lowBitFloatParams,
  lowBitGemmParams,
  lowBitPackedBytes,
  lowBitPackParams,
  lowBitQuantizeParams,
  lowBits,
  lowBitZeros,
} from '../kernels/lowbit.js';
import type { Inference, Operator, OutputType } from './operator.js';

/** Activations may become integers of eight bits. */
const INTEGERS = 4;

/** The group that weights of such blocks are packed in; undefined where blocks are no whole units. */
export function packedGroup(block: number, k: number): number | undefined {
  if (block >= k) return Math.min(LOWBIT_GROUP, Math.ceil(Math.max(k, 1) / LOWBIT_UNIT) * LOWBIT_UNIT);
  for (let group = LOWBIT_GROUP; group >= LOWBIT_UNIT; group -= LOWBIT_UNIT) if (block % group === 0) return group;
  return undefined;
}

/** Weights as they stand in a model: see lowBitPackParams for the strides. */
interface LowBitWeights {
  readonly codes: Ref;
  readonly scales: Ref;
  readonly zeros: Ref | undefined;
  readonly zeroKind: 'constant' | 'packed' | 'floats';
  /** The zero point of all codes, where there are no others; codes are unsigned. */
  readonly zero: number;
  readonly bits: number;
  readonly block: number;
  readonly n: number;
  readonly k: number;
  readonly strideN: number;
  readonly strideK: number;
  readonly scaleN: number;
  readonly scaleBlock: number;
  readonly zeroN: number;
  readonly zeroBlock: number;
  readonly flip: number;
}

function lowerLowBit(low: Lowering, w: LowBitWeights, m: number, accuracy: number, bias: Ref | undefined): void {
  const { n, k, bits, codes, scales, zeros, zeroKind, zero, ...layout } = w;
  const group = packedGroup(w.block, k);
  if (group === undefined) throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', low.node.where, `blocks must be multiples of ${LOWBIT_UNIT}`, `${w.block} came`);
  const integers = accuracy === INTEGERS;
  const row = low.select(integers ? 'lowbit_gemm' : 'lowbit_gemm_floats', 'f32');
  const shape = { n, k, group, bits, zeros: zeroKind === 'constant' ? 0 : 1 };
  const [packed] = low.emit(
    low.select('lowbit_pack', 'any'),
    lowBitPackParams,
    { n, k, ...layout, group, bits, nr: row.nr, zeros: lowBitZeros.value(zeroKind), reserved: 0 },
    [low.temp(lowBitPackedBytes(shape, row.nr), 'packed')],
    [codes, scales, zeros],
    { reason: `${bits} bits in groups of ${group}, panels of ${row.nr} columns for ${row.name}` },
  );
  const params = { m, ldc: low.rowElements(), ...shape, zero };
  if (!integers) {
    low.emit(row, lowBitFloatParams, params, [low.out()], [low.in(0), packed, bias], { reason: `weights of ${bits} bits, activations in float32` });
    return;
  }
  const groups = m * Math.ceil(k / group);
  const rows = low.emit(
    low.select('lowbit_quantize', 'f32'),
    lowBitQuantizeParams,
    { m, k, group, reserved: 0 },
    [low.temp(m * Math.ceil(k / LOWBIT_UNIT) * LOWBIT_UNIT, 'integers'), low.temp(4 * groups, 'scales'), low.temp(4 * groups, 'sums')],
    [low.in(0)],
  );
  low.emit(row, lowBitGemmParams, params, [low.out()], [...rows, packed, bias], { reason: `weights of ${bits} bits, activations of 8` });
}

// com.microsoft MatMulNBits

function sizesOf(node: Node) {
  const [k, n, bits, block] = [node.int('K'), node.int('N'), node.int('bits', 4), node.int('block_size')];
  return { k, n, bits, block, blocks: Math.ceil(k / block) };
}

function inferMatMulNBits(q: Inference): OutputType[] {
  const { node } = q;
  const { k, n, bits, block, blocks } = sizesOf(node);
  if (!(lowBits as readonly number[]).includes(bits))
    throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', node.where, `bits must be ${[...lowBits].sort().join(', ')}`, `${bits} came`);
  if (block < 16 || (block & (block - 1)) !== 0) q.fail('block_size must be a power of two from 16 on', `${block} came`);
  if (q.has(4)) throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', node.where, 'columns must stand in the order of their groups', 'g_idx came');
  if (node.int('weight_prepacked', 0) !== 0)
    throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', node.where, 'weights must be packed by no runtime', 'weight_prepacked came');
  if (q.dtype(0) !== 'float32' || q.dtype(2) !== 'float32') q.failDtype('activations and scales must be float32');
  if (q.dtype(1) !== 'uint8') q.failDtype('weights must be uint8');
  const a = q.shape(0);
  const depth = a.at(-1);
  if (a.length < 1 || (typeof depth === 'number' && depth !== k)) q.fail(`activations must have ${k} columns`, q.inputTexts());
  const holds = (i: number, what: string, count: number) => {
    const shape = q.has(i) ? q.shape(i) : undefined;
    if (shape?.every((d) => typeof d === 'number') && elementCount(shape as number[]) !== count) q.fail(`${what} must hold ${count} elements`, q.inputTexts());
  };
  holds(1, 'weights', (n * blocks * block * bits) / 8);
  holds(2, 'scales', n * blocks);
  if (q.has(3)) {
    if (q.dtype(3) !== 'uint8' && q.dtype(3) !== 'float32') q.failDtype('zero points must be uint8 or float32');
    holds(3, 'zero points', q.dtype(3) === 'uint8' ? n * Math.ceil((blocks * bits) / 8) : n * blocks);
  }
  holds(5, 'bias', n);
  return [{ dtype: 'float32', shape: [...a.slice(0, -1), n] }];
}

function lowerMatMulNBits(low: Lowering): void {
  const { node } = low;
  const { k, n, bits, block, blocks } = sizesOf(node);
  const floats = node.inputs[3]?.type === 'float32';
  const weights: LowBitWeights = {
    codes: low.in(1),
    scales: low.in(2),
    zeros: low.input(3),
    zeroKind: !low.has(3) ? 'constant' : floats ? 'floats' : 'packed',
    zero: 2 ** (bits - 1),
    bits,
    block,
    n,
    k,
    strideN: blocks * block,
    strideK: 1,
    scaleN: blocks,
    scaleBlock: 1,
    zeroN: floats ? blocks : Math.ceil((blocks * bits) / 8) * 8,
    zeroBlock: floats ? 1 : bits,
    flip: 0,
  };
  lowerLowBit(low, weights, elementCount(low.dims(0).slice(0, -1)), node.int('accuracy_level', 0), low.input(5));
}

// dsnk.LowBitMatMul: x, codes [k, n] or with transB [n, k], scales, zero points?, bias?; `block` elements along k share a scale

const transposed = (node: Node) => node.int('transB', 0) !== 0;

function inferLowBit(q: Inference): OutputType[] {
  const [a, b] = [q.shape(0), q.shape(1)];
  const [k, n] = transposed(q.node) ? [b[1] as Dim, b[0] as Dim] : [b[0] as Dim, b[1] as Dim];
  const depth = a.at(-1);
  if (typeof depth === 'number' && typeof k === 'number' && depth !== k) q.fail('inner dimensions must be equal', q.inputTexts());
  return [{ dtype: 'float32', shape: [...a.slice(0, -1), n] }];
}

function lowerLowBitMatMul(low: Lowering): void {
  const { node } = low;
  const b = low.dims(1);
  const [k, n] = (transposed(node) ? [b[1], b[0]] : b) as [number, number];
  const { bits, kind } = dtypes[node.input(1).type];
  const signed = kind === 'int';
  const scales = low.dims(2);
  const each = elementCount(scales) === 1 ? [0, 0] : scales.length === 1 ? [1, 0] : transposed(node) ? [scales[1] as number, 1] : [1, n];
  const [scaleN, scaleBlock] = each as [number, number];
  const weights: LowBitWeights = {
    codes: low.in(1),
    scales: low.in(2),
    zeros: low.input(3),
    zeroKind: low.has(3) ? 'packed' : 'constant',
    zero: signed ? 2 ** (bits - 1) : 0,
    bits,
    block: node.int('block', k),
    n,
    k,
    strideN: transposed(node) ? k : 1,
    strideK: transposed(node) ? 1 : n,
    scaleN,
    scaleBlock,
    zeroN: scaleN * bits,
    zeroBlock: scaleBlock * bits,
    flip: signed ? 2 ** (bits - 1) : 0,
  };
  lowerLowBit(low, weights, elementCount(low.dims(0).slice(0, -1)), node.int('accuracy_level', 0), low.input(4));
}

export const lowBitOperators: readonly Operator[] = [
  { name: 'MatMulNBits', domain: 'com.microsoft', writesRows: true, infer: inferMatMulNBits, lower: lowerMatMulNBits },
  { name: 'LowBitMatMul', domain: 'dsnk', writesRows: true, infer: inferLowBit, lower: lowerLowBitMatMul },
];
