/** What the QLinear operators of ONNX are in the terms of dsnk.QConv and dsnk.QMatMul. */
import { elementCount } from '../graph/dim.js';
import { type AttrValue, type Node, scalarOf, type Value } from '../graph/graph.js';
import type { GraphEditor } from './editor.js';

/** Groups of fewer channels fill no word of four; the kernel that walks each of them pixel by pixel is faster there, but where every channel has one filter. */
export const LEAST_CHANNELS = 4;

/** What a factor must be for its products to be those of the floats: rounded as others are, and finite. */
export const isNormal = (v: number) => v >= 2 ** -126 && v < 2 ** 128;

const isOne = (v: Value) => v.shape !== undefined && v.shape.length <= 1 && elementCount(v.dims) === 1;

/** Where the operands of a QLinear operator stand. */
export interface QLinearInputs {
  readonly w: number;
  /** Scale and zero point follow each of x and w; those of y, and the bias of convolutions. */
  readonly y: number;
  readonly bias?: number;
}

export interface IntegerProduct {
  /** Weights, bias, multipliers. */
  readonly inputs: readonly (Value | undefined)[];
  readonly attrs: Readonly<Record<string, AttrValue>>;
}

/**
 * The inputs and attributes that a QLinear node has as a product of bytes, or undefined where it has none: uint8 in and out
 * with constant zero points, constant weights of int8 around 0 or of uint8 around 128, one scale or one per column. The
 * multiplier is (xScale·wScale)/yScale, a finite number, in float32 as the operator defines it: two nodes, which constants settle.
 */
export function integerProduct(edit: GraphEditor, node: Node, at: QLinearInputs, columns: number): IntegerProduct | undefined {
  const [x, xScale, w, wScale, yScale] = [0, 1, at.w, at.w + 1, at.y].map((i) => node.input(i)) as [Value, Value, Value, Value, Value];
  if (x.type !== 'uint8' || node.output().type !== 'uint8' || w.constant === undefined) return undefined;
  const around = w.type === 'int8' ? 0 : w.type === 'uint8' ? 128 : undefined;
  const wZero = node.inputs[at.w + 2];
  const wZeros = wZero === undefined ? [0] : wZero.constant?.values();
  if (around === undefined || !wZeros?.every((z) => z === around)) return undefined;
  const zeroOf = (v: Value | undefined) => (v === undefined ? 0 : scalarOf(v));
  const [xZero, yZero] = [zeroOf(node.inputs[2]), zeroOf(node.inputs[at.y + 1])];
  if (xZero === undefined || yZero === undefined) return undefined;
  const scales = [xScale, wScale, yScale];
  if (!scales.every((s) => s.type === 'float32' && s.shape !== undefined) || !isOne(xScale) || !isOne(yScale)) return undefined;
  if (!isOne(wScale) && (wScale.dims.length !== 1 || wScale.dims[0] !== columns)) return undefined;
  const bias = at.bias === undefined ? undefined : node.inputs[at.bias];
  if (bias !== undefined && bias.constant === undefined) return undefined;
  const [xs, ws, ys] = [xScale, wScale, yScale].map((s) => s.constant?.values());
  const f = Math.fround;
  // Zeros times infinity are no zeros: such scales are left to the definition.
  if (xs && ws && ys && !ws.every((s) => Number.isFinite(f(f((xs[0] as number) * s) / (ys[0] as number))))) return undefined;
  const multipliers = edit.value('Div', [edit.value('Mul', [xScale, wScale]), yScale]);
  return { inputs: [w, bias, multipliers], attrs: { x_zero: xZero, y_zero: yZero } };
}
