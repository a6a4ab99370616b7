/**
 * Elementwise programs: what a `dsnk.Pointwise` node carries and what every single elementwise operator lowers to. A
 * program is a list of steps in which later steps read earlier ones; the last step is the result.
 */
import type { Lowering } from '../compile/lowering.js';
import type { Ref } from '../compile/step.js';
import { type DType, shortName } from '../dtype.js';
import { dsnkError } from '../errors.js';
import { floatBits, type ParamsOf } from '../kernels/params.js';
import { POINTWISE_LIMITS, type PointwiseOpName, pointwiseOp, pointwiseParams, pointwiseSource, pointwiseType } from '../kernels/pointwise.js';

export type Term = { readonly input: number } | { readonly step: number } | { readonly value: number };

export interface ExpressionStep {
  readonly op: PointwiseOpName;
  readonly terms: readonly Term[];
}

export const input = (i: number): Term => ({ input: i });
export const step = (i: number): Term => ({ step: i });
export const value = (v: number): Term => ({ value: v });

/** The shortest decimal that reads back as the same float32. */
function floatText(v: number): string {
  if (Object.is(v, -0)) return '-0';
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(v.toPrecision(digits));
    if (Math.fround(short) === Math.fround(v)) return `${short}`;
  }
  return `${v}`;
}

/** `mul(x0,s0,0.5)`: the form in node attributes and golden tests. */
export function stepText(s: ExpressionStep): string {
  const terms = s.terms.map((t) => ('input' in t ? `x${t.input}` : 'step' in t ? `s${t.step}` : floatText(t.value)));
  return `${s.op}(${terms.join(',')})`;
}

export function parseStep(text: string): ExpressionStep {
  const match = /^(\w+)\((.*)\)$/.exec(text);
  if (match === null || !(pointwiseOp.members as readonly string[]).includes(match[1] as string)) throw new Error(`bad pointwise step ${text}`);
  const terms = (match[2] as string).split(',').map((t): Term => {
    const operand = /^([xs])(\d+)$/.exec(t);
    if (operand === null) return value(Number(t));
    return operand[1] === 'x' ? input(Number(operand[2])) : step(Number(operand[2]));
  });
  return { op: match[1] as PointwiseOpName, terms };
}

/** Merges neighbouring dimensions that every input has or lacks alike; drops those of size 1. */
export function mergeDims(out: readonly number[], inputs: readonly (readonly number[])[]): { dims: number[]; masks: number[] } {
  const dims: number[] = [];
  const masks = inputs.map(() => 0);
  let before: string | undefined;
  out.forEach((size, d) => {
    if (size === 1) return;
    const has = inputs.map((shape) => (shape[shape.length - out.length + d] ?? 1) !== 1);
    const pattern = has.join();
    if (pattern === before) {
      dims[dims.length - 1] = (dims[dims.length - 1] as number) * size;
      return;
    }
    has.forEach((h, i) => {
      if (h) masks[i] = (masks[i] as number) | (1 << dims.length);
    });
    dims.push(size);
    before = pattern;
  });
  if (dims.length === 0) dims.push(1);
  return { dims, masks };
}

/** Where each step's result lives: registers are reused after the last reading. Returns undefined when they run out. */
export function assignRegisters(steps: readonly ExpressionStep[]): { target: number[]; count: number } | undefined {
  const last = steps.map((_, i) => i);
  steps.forEach((s, i) => {
    for (const t of s.terms) if ('step' in t) last[t.step] = i;
  });
  const owner: (number | undefined)[] = [];
  const target: number[] = [];
  for (let i = 0; i < steps.length - 1; i++) {
    // a register whose value is read for the last time here may take this result
    let r = owner.findIndex((o) => o === undefined || (last[o] as number) <= i);
    if (r < 0) r = owner.length;
    owner[r] = i;
    target.push(r);
  }
  target.push(0);
  return owner.length <= POINTWISE_LIMITS.registers ? { target, count: owner.length } : undefined;
}

/** The element type in which a program over these types computes; halves and truth values meet float32 rows. */
function rowOf(types: readonly DType[]): string {
  const numeric = types.filter((t) => t !== 'bool');
  const first = numeric[0];
  if (first === undefined) return 'u8';
  return first === 'float16' || first === 'bfloat16' ? 'f32' : shortName(first);
}

function typeCode(dtype: DType, row: string): number {
  if (shortName(dtype) === row) return pointwiseType.value('own');
  if (dtype === 'bool') return pointwiseType.value(row === 'u8' ? 'own' : 'boolean');
  if (row === 'f32' && dtype === 'float16') return pointwiseType.value('half');
  if (row === 'f32' && dtype === 'bfloat16') return pointwiseType.value('bfloat');
  if (row === 'f32' && dtype === 'uint8') return pointwiseType.value('byte');
  if (row === 'f32' && dtype === 'int8') return pointwiseType.value('signedByte');
  throw new Error(`no ${row} row reads ${dtype}`);
}

export interface ExpressionOperand {
  readonly ref: Ref;
  readonly dtype: DType;
  readonly dims: readonly number[];
}

/** Parameters and tail words of one call over inputs of these shapes and type codes. */
export function encodeInputs(
  steps: readonly ExpressionStep[],
  outDims: readonly number[],
  outputType: number,
  inputs: readonly { readonly shape: readonly number[]; readonly type: number }[],
  index: readonly number[] = inputs.map((_, i) => i),
): { params: ParamsOf<typeof pointwiseParams>; tail: number[] } {
  const { dims, masks } = mergeDims(
    outDims,
    inputs.map((i) => i.shape),
  );
  const registers = assignRegisters(steps);
  if (dims.length > POINTWISE_LIMITS.rank || registers === undefined) throw new RangeError(`${dims.length} dimensions, ${steps.length} steps`);
  const immediates: number[] = [];
  const word = (t: Term | undefined): number => {
    if (t === undefined) return pointwiseSource.value('none') * 2 ** 24;
    if ('step' in t) return pointwiseSource.value('register_') * 2 ** 24 + (registers.target[t.step] as number);
    if ('input' in t) return pointwiseSource.value('input') * 2 ** 24 + (index[t.input] as number);
    let i = immediates.findIndex((v) => Object.is(v, t.value));
    if (i < 0) i = immediates.push(t.value) - 1;
    return pointwiseSource.value('immediate') * 2 ** 24 + i;
  };
  const code = steps.flatMap((s, i) => [pointwiseOp.value(s.op) + (registers.target[i] as number) * 2 ** 16, ...[0, 1, 2].map((k) => word(s.terms[k]))]);
  return {
    params: { dims, rank: dims.length, inputs: inputs.length, immediates: immediates.length, steps: steps.length, registers: registers.count, outputType },
    tail: [...inputs.map((o, i) => (masks[i] as number) + o.type * 256), ...immediates.map(floatBits), ...code],
  };
}

/** Emits one pointwise call, of the defining row where it must be exact. Inputs that are the same memory are passed once. */
export function emitExpression(
  low: Lowering,
  steps: readonly ExpressionStep[],
  output: ExpressionOperand,
  operands: readonly ExpressionOperand[],
  row = rowOf([...operands.map((o) => o.dtype), output.dtype]),
  exact = false,
): void {
  const unique: ExpressionOperand[] = [];
  const index = operands.map((o) => {
    const twin = unique.findIndex(
      (u) => u.ref.buffer === o.ref.buffer && u.ref.offset === o.ref.offset && u.dtype === o.dtype && u.dims.join() === o.dims.join(),
    );
    if (twin >= 0) return twin;
    unique.push(o);
    return unique.length - 1;
  });
  const outputType = typeCode(output.dtype, row);
  const op = outputType === pointwiseType.value('own') ? 'pointwise' : 'pointwiseTo';
  const kernel = exact ? low.definition(op, row) : low.select(op, row);
  const inputs = unique.map((o) => ({ shape: o.dims, type: typeCode(o.dtype, row) }));
  const { dims } = mergeDims(
    output.dims,
    unique.map((o) => o.dims),
  );
  if (dims.length > POINTWISE_LIMITS.rank) {
    throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', low.node.where, `broadcast must need at most ${POINTWISE_LIMITS.rank} dimensions`, `${dims.length} came`);
  }
  const { params, tail } = encodeInputs(steps, output.dims, outputType, inputs, index);
  low.emit(
    kernel,
    pointwiseParams,
    params,
    [output.ref],
    unique.map((o) => o.ref),
    { tail },
  );
}

/** Lowers the node being lowered as one program over all its inputs. */
export function lowerExpression(low: Lowering, steps: readonly ExpressionStep[], row?: string, exact = false): void {
  const { node } = low;
  const operands = node.inputs.map((v, i) => {
    if (v === undefined) throw new Error(`${node.where}: input ${i} is left out`);
    return { ref: low.in(i), dtype: v.type, dims: v.dims };
  });
  const out = node.output();
  emitExpression(low, steps, { ref: low.out(), dtype: out.type, dims: out.dims }, operands, row, exact);
}
