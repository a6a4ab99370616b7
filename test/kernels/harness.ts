/**
 * Runs one kernel call on every usable row of an operation. The scalar row is the definition; a family's cases (in
 * bench/cases/<family>.ts, shared with the bench) say what is called.
 */

import type { KernelRow } from '../../lib/compile/catalogue.js';
import type { TypedArray } from '../../lib/dtype.js';
import { encodeParams, type Fields, type ParamSchema, type ParamsOf } from '../../lib/kernels/params.js';
import { kernelProgram, loadKernel } from '../../lib/runtime/call.js';
import { native } from '../../lib/runtime/native.js';
import { noteCalled, testedRows } from '../gpu.js';
import { corpusFolder, keepProgram } from '../native/corpus.js';

export { floats as randomFloats, mulberry32 } from '../../bench/cases/case.js';

/** All rows of an operation for these types that this machine can run, best first; the scalar row is last. Of a GPU that is tested, its rows alone. */
export function rowsOf(op: string, dtypes: string): KernelRow[] {
  return testedRows().filter((k) => k.op === op && (k.dtypes === dtypes || k.dtypes === 'any') && k.usable);
}

/** The best of them, or where a GPU that is tested has none, the definition. */
export function rowOf(op: string, dtypes: string): KernelRow {
  const [row] = rowsOf(op, dtypes);
  return (
    row ??
    (native()
      .catalogue()
      .kernels.find((k) => k.op === op && (k.dtypes === dtypes || k.dtypes === 'any') && k.isa === 'scalar') as KernelRow)
  );
}

export function rowNamed(name: string): KernelRow {
  const row = native()
    .catalogue()
    .kernels.find((k) => k.name === name);
  if (row === undefined) throw new Error(`no kernel ${name} in the table`);
  return row;
}

/** Calls one row once. Outputs are written in place. */
export function callKernel<F extends Fields>(
  row: KernelRow,
  schema: ParamSchema<F>,
  params: ParamsOf<ParamSchema<F>>,
  outputs: readonly (TypedArray | undefined)[],
  inputs: readonly (TypedArray | undefined)[],
  options: { tail?: readonly number[]; threads?: number } = {},
): void {
  const words = encodeParams(schema, params as Readonly<Record<string, number | readonly number[]>>, options.tail);
  const size = (a: TypedArray | undefined) => a && { bytes: a.byteLength };
  noteCalled(row);
  const call = loadKernel(row, words, outputs.map(size), inputs.map(size), { threads: options.threads ?? 1 });
  keepForFuzzing(row, words, outputs, inputs);
  try {
    call.run(outputs, inputs);
  } finally {
    call.dispose();
  }
}

/** Leaves small calls of every row for the fuzzer. */
function keepForFuzzing(row: KernelRow, params: Uint32Array, outputs: readonly (TypedArray | undefined)[], inputs: readonly (TypedArray | undefined)[]): void {
  if (corpusFolder === undefined) return;
  const bytes = [...outputs, ...inputs].reduce((sum, a) => sum + (a?.byteLength ?? 0), 0);
  const kept = keptForFuzzing.get(row.name) ?? 0;
  if (bytes > 32768 || kept >= 24) return;
  keptForFuzzing.set(row.name, kept + 1);
  const size = (a: TypedArray | undefined) => a && { bytes: a.byteLength };
  keepProgram(`${row.name}.${kept}`, kernelProgram(row, params, outputs.map(size), inputs.map(size)));
}

const keptForFuzzing = new Map<string, number>();

/**
 * The operands, and for rows that take denormal operands as zeros (NEON of ARMv7, native/simd/neon-begin.h) those zeros:
 * a result may be right for either.
 */
export function operandsOf(row: KernelRow, x: readonly number[]): readonly (readonly number[])[] {
  return flushes(row) && x.some(isDenormal) ? [x, x.map((v) => (isDenormal(v) ? Math.sign(v) * 0 : v))] : [x];
}

/** Whether both are denormal or zero, which is the same to a row that makes zeros of denormal results. */
export const alikeFlushed = (row: KernelRow, got: number, exact: number): boolean =>
  flushes(row) && Math.abs(got) < leastNormal && Math.abs(exact) < leastNormal;

const flushes = (row: KernelRow) => process.arch === 'arm' && row.isa !== 'scalar';
const leastNormal = 2 ** -126;
const isDenormal = (x: number) => x !== 0 && Math.abs(x) < leastNormal;

/** Largest |a-b| - (absolute + relative·|b|); ≤ 0 means within tolerance. NaN must meet NaN, ∞ the same ∞. */
export function excess(a: ArrayLike<number>, b: ArrayLike<number>, absolute: number, relative: number): number {
  let worst = -Infinity;
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const x = a[i] as number;
    const y = b[i] as number;
    if (Object.is(x, y) || x === y) continue;
    const e = Math.abs(x - y) - (absolute + relative * Math.abs(y));
    if (!(e <= worst)) worst = e;
    if (Number.isNaN(e)) return Infinity;
  }
  return worst;
}
