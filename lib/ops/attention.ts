/** dsnk.Attention: what name-attention makes of a spelled-out attention and of the ONNX operator. */
import { ATTENTION_BATCH_DIMS, attentionEmpty, attentionMask, attentionParams } from '../kernels/attention.js';
import { narrowTypes } from '../kernels/narrow.js';
import type { Operator } from './operator.js';

const four = (list: readonly number[], fill: number) => [...Array<number>(ATTENTION_BATCH_DIMS - list.length).fill(fill), ...list];

/**
 * y = softmax(scale·q·kᵀ + mask)·v on operands by their strides. `sizes`: rows, keys, width, depth; `batch`: outer loops; `q`, `k`,
 * `v`: offset, row stride, outer strides; `y`: row stride, outer strides; `mask`: offset, row stride, column stride, outer strides;
 * `shape`: of the result.
 */
const attention: Operator = {
  name: 'Attention',
  domain: 'dsnk',
  infer(q) {
    for (let i = 0; i < 3; i++) if (q.dtype(i) !== 'float32') q.failDtype('q, k and v must be float32');
    return [{ dtype: 'float32', shape: q.node.ints('shape') }];
  },
  lower(low) {
    const { node } = low;
    const [rows, keys, width, depth] = node.ints('sizes') as [number, number, number, number];
    const [offsetQ, rowQ, ...strideQ] = node.ints('q') as [number, number, ...number[]];
    const [offsetK, rowK, ...strideK] = node.ints('k') as [number, number, ...number[]];
    const [offsetV, rowV, ...strideV] = node.ints('v') as [number, number, ...number[]];
    const [rowY, ...strideY] = node.ints('y') as [number, ...number[]];
    const [offsetMask, rowMask, columnMask, ...strideMask] = node.ints('mask', [0, 0, 0]) as [number, number, number, ...number[]];
    // GPUs multiply rounded operands where the session may round those of products.
    const narrow = low.precision === 'f32' ? undefined : low.trySelect('attention', narrowTypes[low.precision].dtypes);
    low.emit(
      narrow ?? low.select('attention', 'f32'),
      attentionParams,
      {
        rows,
        keys,
        width,
        depth,
        batch: four(node.ints('batch'), 1),
        strideQ: four(strideQ, 0),
        strideK: four(strideK, 0),
        strideV: four(strideV, 0),
        strideY: four(strideY, 0),
        strideMask: four(strideMask, 0),
        offsetQ,
        offsetK,
        offsetV,
        offsetMask,
        rowQ,
        rowK,
        rowV,
        rowY,
        rowMask,
        columnMask,
        causalOffset: node.int('causal', 0),
        scale: node.float('scale', 1),
        fill: node.float('fill', 0),
        mask: attentionMask.value(node.string('maskKind', 'none') as (typeof attentionMask.members)[number]),
        empty: attentionEmpty.value(node.string('empty', 'nan') as (typeof attentionEmpty.members)[number]),
        causal: node.has('causal') ? 1 : 0,
        reserved: 0,
      },
      [low.out()],
      [low.in(0), low.in(1), low.in(2), low.input(3)],
      { reason: narrow === undefined ? 'scores stay in L1' : `${narrowTypes[low.precision as keyof typeof narrowTypes].title} as asked, where its tiles fit` },
    );
  },
};

export const attentionOperators: readonly Operator[] = [attention];
