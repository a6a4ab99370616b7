/** MatMul, Gemm and the fused dsnk.MatMul. */
import type { Lowering } from '../compile/lowering.js';
import type { DType } from '../dtype.js';
import { broadcastShapes, type Dim, type Shape } from '../graph/dim.js';
import type { Node } from '../graph/graph.js';
import type { Activation } from '../kernels/epilogue.js';
import type { Inference, Operator } from './operator.js';
import { fusedActivation, lowerProduct } from './product.js';

const dtypes: readonly DType[] = ['float32', 'float64', 'float16', 'bfloat16', 'int32', 'int64', 'uint32', 'uint64'];

function sameTypes(q: Inference): DType {
  const dtype = q.dtype(0);
  if (!dtypes.includes(dtype)) q.failDtype(`element type must be one of ${dtypes.join(', ')}`);
  for (let i = 1; i < q.inputCount; i++) if (q.has(i) && q.dtype(i) !== dtype) q.failDtype('inputs must have one element type');
  return dtype;
}

/** The matrix of a shape whose last two dimensions may stand exchanged; a vector becomes a row or a column. */
function matrixOf(shape: Shape, transposed: boolean, vector: 'row' | 'column'): { batch: Shape; rows: Dim; columns: Dim } {
  if (shape.length === 1) {
    const d = shape[0] as Dim;
    return vector === 'row' ? { batch: [], rows: 1, columns: d } : { batch: [], rows: d, columns: 1 };
  }
  const [rows, columns] = shape.slice(-2) as [Dim, Dim];
  return { batch: shape.slice(0, -2), rows: transposed ? columns : rows, columns: transposed ? rows : columns };
}

function checkInner(q: Inference, a: Dim, b: Dim): void {
  if (typeof a === 'number' && typeof b === 'number' && a !== b) q.fail(`inner dimensions must be equal`, `${q.inputTexts()}, ${a} and ${b}`);
}

const flag = (node: Node, name: string) => node.int(name, 0) !== 0;

function inferMatMul(q: Inference, transA: boolean, transB: boolean): { dtype: DType; shape: Shape } {
  const dtype = sameTypes(q);
  const [x, y] = [q.shape(0), q.shape(1)];
  if (x.length === 0 || y.length === 0) q.fail('inputs must have at least one dimension', q.inputTexts());
  const a = matrixOf(x, transA, 'row');
  const b = matrixOf(y, transB, 'column');
  checkInner(q, a.columns, b.rows);
  const batch = broadcastShapes(a.batch, b.batch);
  if (batch === undefined) q.fail('batch dimensions must broadcast', q.inputTexts());
  return { dtype, shape: [...batch, ...(x.length > 1 ? [a.rows] : []), ...(y.length > 1 ? [b.columns] : [])] };
}

function lowerMatMul(low: Lowering, transA: boolean, transB: boolean, fused: { scale: number; activation: Activation } | undefined): void {
  const a = matrixOf(low.dims(0), transA, 'row');
  const b = matrixOf(low.dims(1), transB, 'column');
  const batch = broadcastShapes(a.batch, b.batch) as number[];
  const bias = low.input(2);
  lowerProduct(
    low,
    {
      m: a.rows as number,
      n: b.columns as number,
      k: a.columns as number,
      batch,
      a: { ref: low.in(0), batch: a.batch as number[], transposed: transA && low.dims(0).length > 1 },
      b: { ref: low.in(1), batch: b.batch as number[], transposed: transB && low.dims(1).length > 1, value: low.node.input(1) },
      out: low.out(),
      ...fused,
      bias: bias && { ref: bias, row: 0, column: 1 },
      residual: low.input(3),
    },
    low.node.input(0).type,
  );
}

const matmul: Operator = {
  name: 'MatMul',
  domain: '',
  infer: (q) => [inferMatMul(q, false, false)],
  lower: (low) => lowerMatMul(low, false, false, undefined),
};

/** a·b with everything that the fusing passes gather around it. */
const fusedMatMul: Operator = {
  name: 'MatMul',
  domain: 'dsnk',
  infer(q) {
    const type = inferMatMul(q, flag(q.node, 'transA'), flag(q.node, 'transB'));
    const columns = type.shape.at(-1);
    if (q.has(2)) {
      const bias = q.shape(2);
      if (bias.length !== 1 || (typeof bias[0] === 'number' && typeof columns === 'number' && bias[0] !== columns))
        q.fail(`bias must be a vector of ${columns}`, q.inputTexts());
    }
    if (q.has(3)) {
      const residual = q.shape(3);
      if (residual.length !== type.shape.length || residual.some((d, i) => typeof d === 'number' && typeof type.shape[i] === 'number' && d !== type.shape[i]))
        q.fail('residual must have the shape of the result', q.inputTexts());
    }
    return [type];
  },
  lower(low) {
    const { node } = low;
    lowerMatMul(low, flag(node, 'transA'), flag(node, 'transB'), {
      scale: node.float('scale', 1),
      activation: fusedActivation(node),
    });
  },
};

const gemm: Operator = {
  name: 'Gemm',
  domain: '',
  infer(q) {
    const dtype = sameTypes(q);
    if (q.rank(0) !== 2 || q.rank(1) !== 2) q.fail('a and b must be matrices', q.inputTexts());
    const a = matrixOf(q.shape(0), flag(q.node, 'transA'), 'row');
    const b = matrixOf(q.shape(1), flag(q.node, 'transB'), 'column');
    checkInner(q, a.columns, b.rows);
    const shape = [a.rows, b.columns];
    if (q.has(2)) {
      const c = q.shape(2);
      if (c.length > 2 || c.some((d, i) => typeof d === 'number' && d !== 1 && typeof shape[2 - c.length + i] === 'number' && d !== shape[2 - c.length + i]))
        q.fail(`c must broadcast to [${shape}]`, q.inputTexts());
    }
    return [{ dtype, shape }];
  },
  lower(low) {
    const { node } = low;
    const transA = flag(node, 'transA');
    const transB = flag(node, 'transB');
    const [m, n] = low.outDims() as [number, number];
    const k = low.dims(0)[transA ? 0 : 1] as number;
    const c = low.input(2);
    const [rows, columns] = c ? ([1, 1, ...low.dims(2)].slice(-2) as [number, number]) : [1, 1];
    lowerProduct(
      low,
      {
        m,
        n,
        k,
        batch: [],
        a: { ref: low.in(0), batch: [], transposed: transA },
        b: { ref: low.in(1), batch: [], transposed: transB, value: node.input(1) },
        out: low.out(),
        scale: node.float('alpha', 1),
        addScale: node.float('beta', 1),
        bias: c && { ref: c, row: rows === 1 ? 0 : columns, column: columns === 1 ? 0 : 1 },
      },
      low.node.input(0).type,
    );
  },
};

export const matmulOperators: readonly Operator[] = [matmul, fusedMatMul, gemm];
