/** Kernels that move, choose and fill, at sizes of real graphs; for the bench. */
import { castParams, castType } from '../../lib/kernels/cast.js';
import { concatParams, concatTail } from '../../lib/kernels/concat.js';
import { copyParams } from '../../lib/kernels/copy.js';
import { compressParams, nonMaxSuppressionParams, nonZeroParams, uniqueParams } from '../../lib/kernels/dynamic.js';
import { eyeParams, fillParams, oneHotParams, oneHotType, rangeParams, rangeType, reverseSequenceParams, triluParams } from '../../lib/kernels/fill.js';
import { gatherElementsParams, gatherNdParams, gatherParams } from '../../lib/kernels/gather.js';
import { padMode, padParams } from '../../lib/kernels/pad.js';
import { resizeNearestParams } from '../../lib/kernels/resize.js';
import { scatterElementsParams, scatterNdParams, scatterReduction, scatterType, tensorScatterParams } from '../../lib/kernels/scatter.js';
import { floats, type KernelCase, mulberry32 } from './case.js';
import { cases as concats } from './concat.js';
import { nearestCall, nearestCases, weightedCall, weightedCases } from './resize.js';
import { cases as views } from './transpose.js';

type Rest = Omit<KernelCase, 'bench' | 'dtypes'> & { dtypes?: string };
const of = (c: Rest): KernelCase => ({ dtypes: 'any', bench: true, ...c });

/** Whole numbers below `limit`. */
export function indices(length: number, limit: number, seed: number): BigInt64Array {
  const next = mulberry32(seed);
  return BigInt64Array.from({ length }, () => BigInt(Math.floor(next() * limit)));
}

const eight = (list: readonly number[], fill = 0) => [...list, ...Array<number>(8 - list.length).fill(fill)];
const MiB = 1 << 20;

const casts: readonly (readonly [from: 'f32' | 'f16' | 'i64' | 'u8', to: 'f32' | 'f16' | 'i64' | 'u8'])[] = [
  ['f32', 'f16'],
  ['f16', 'f32'],
  ['i64', 'f32'],
  ['u8', 'f32'],
];
const arrays = { f32: Float32Array, f16: Uint16Array, i64: BigInt64Array, u8: Uint8Array } as const;

export const moveCases: readonly KernelCase[] = [
  ...[16 * 1024, 4 * MiB].map((bytes) =>
    of({
      name: `copy ${bytes / 1024} KiB`,
      op: 'copy',
      schema: copyParams,
      params: { bytes },
      outputs: () => [new Uint8Array(bytes)],
      inputs: () => [new Uint8Array(bytes)],
    }),
  ),
  of({
    name: 'fill 4 MiB',
    op: 'fill',
    schema: fillParams,
    params: { bytes: 4 * MiB, pattern: [1, 1, 1, 1] },
    outputs: () => [new Uint8Array(4 * MiB)],
    inputs: () => [],
  }),
  ...casts.map(([from, to]) =>
    of({
      name: `cast 1M ${from} to ${to}`,
      op: 'cast',
      schema: castParams,
      params: { count: MiB, from: castType.value(from), to: castType.value(to), saturate: 1, round: 0 },
      outputs: () => [new arrays[to](MiB)],
      inputs: () => [from === 'f32' ? floats(MiB, 1) : new arrays[from](MiB)],
    }),
  ),
  ...concats
    .filter((c) => c.bench)
    .map((c) =>
      of({
        name: `concat ${c.name}`,
        op: 'concat',
        schema: concatParams,
        params: { outer: c.outer, rowBytes: c.rowBytes.reduce((a, b) => a + b, 0), stride: c.rowBytes.reduce((a, b) => a + b, 0) },
        tail: concatTail(c.rowBytes),
        outputs: () => [new Uint8Array(c.outer * c.rowBytes.reduce((a, b) => a + b, 0))],
        inputs: () => c.rowBytes.map((n) => new Uint8Array(c.outer * n)),
      }),
    ),
  ...views
    .filter((c) => c.bench)
    .map((c) =>
      of({
        name: c.name,
        op: c.op,
        schema: c.schema,
        params: c.params,
        outputs: () => [new Uint8Array(c.outputBytes)],
        inputs: () => [new Uint8Array(c.inputBytes)],
        bytes: 2 * c.outputBytes,
      }),
    ),
  ...weightedCases
    .filter((c) => c.bench)
    .map((c) => {
      const { schema, params, tables, outputLength } = weightedCall(c);
      const [outer, inH, inW, inner] = c.from;
      return of({
        name: `resize ${c.name}`,
        op: 'resize',
        dtypes: 'f32',
        schema,
        params,
        outputs: () => [new Float32Array(outputLength)],
        inputs: () => [floats(outer * inH * inW * inner, 7), ...tables],
      });
    }),
  ...nearestCases
    .filter((c) => c.bench)
    .map((c) => {
      const { params, tables, outputLength } = nearestCall(c);
      const [outer, inH, inW, inner] = c.from;
      return of({
        name: `resize nearest ${c.name}`,
        op: 'resize_nearest',
        schema: resizeNearestParams,
        params,
        outputs: () => [new Float32Array(outputLength)],
        inputs: () => [floats(outer * inH * inW * inner, 7), ...tables],
      });
    }),
  of({
    name: 'gather 512 rows of 768 from 30522',
    op: 'gather',
    schema: gatherParams,
    params: { outer: 1, axis: 30522, count: 512, blockBytes: 3072, indexBytes: 8, reserved: 0 },
    outputs: () => [new Float32Array(512 * 768)],
    inputs: () => [new Float32Array(30522 * 768), indices(512, 30522, 1)],
    bytes: 2 * 512 * 3072,
  }),
  of({
    name: 'gather_elements [512,512] along 1',
    op: 'gather_elements',
    schema: gatherElementsParams,
    params: { elementBytes: 4, indexBytes: 8, rank: 2, axis: 1, axisSize: 512, dims: eight([512, 512], 1), strides: eight([512, 1]) },
    outputs: () => [new Float32Array(512 * 512)],
    inputs: () => [floats(512 * 512, 1), indices(512 * 512, 512, 2)],
  }),
  of({
    name: 'gather_nd 4096 of [64,64,64]',
    op: 'gather_nd',
    schema: gatherNdParams,
    params: { outer: 1, count: 4096, blockBytes: 256, indexBytes: 8, depth: 2, dims: eight([64, 64], 1) },
    outputs: () => [new Float32Array(4096 * 64)],
    inputs: () => [floats(64 * 64 * 64, 1), indices(2 * 4096, 64, 2)],
  }),
  ...(['constant', 'reflect', 'edge'] as const).map((mode) =>
    of({
      name: `pad ${mode} [64,112,112] by 1`,
      op: 'pad',
      schema: padParams,
      params: {
        elementBytes: 4,
        mode: padMode.value(mode),
        rank: 3,
        hasValue: 0,
        offset: 0,
        dims: eight([64, 112, 112], 1),
        strides: eight([112 * 112, 112, 1]),
        before: eight([0, 1, 1]),
        after: eight([0, 1, 1]),
      },
      outputs: () => [new Float32Array(64 * 114 * 114)],
      inputs: () => [floats(64 * 112 * 112, 1), undefined],
    }),
  ),
  ...(['none', 'add'] as const).flatMap((reduction) => [
    of({
      name: `scatter_elements ${reduction} [512,512]`,
      op: 'scatter_elements',
      schema: scatterElementsParams,
      params: {
        elementBytes: 4,
        indexBytes: 8,
        reduction: scatterReduction.value(reduction),
        type: scatterType.value('f32'),
        rank: 2,
        axis: 1,
        dims: eight([512, 512], 1),
        indexDims: eight([512, 512], 1),
      },
      outputs: () => [new Float32Array(512 * 512)],
      inputs: () => [floats(512 * 512, 1), indices(512 * 512, 512, 2), floats(512 * 512, 3)],
    }),
    of({
      name: `scatter_nd ${reduction} 1024 rows of 256`,
      op: 'scatter_nd',
      schema: scatterNdParams,
      params: {
        elementBytes: 4,
        indexBytes: 8,
        reduction: scatterReduction.value(reduction),
        type: scatterType.value('f32'),
        depth: 1,
        reserved: 0,
        count: 1024,
        block: 256,
        dims: eight([2048], 1),
      },
      outputs: () => [new Float32Array(2048 * 256)],
      inputs: () => [floats(2048 * 256, 1), indices(1024, 2048, 2), floats(1024 * 256, 3)],
    }),
  ]),
  of({
    name: 'tensor_scatter one token of 2048',
    op: 'tensor_scatter',
    schema: tensorScatterParams,
    params: { outer: 12, perBatch: 12, axis: 2048, count: 1, blockBytes: 256, circular: 0, hasPositions: 0 },
    outputs: () => [new Float32Array(12 * 2048 * 64)],
    inputs: () => [new Float32Array(12 * 2048 * 64), new Float32Array(12 * 64), undefined],
  }),
  of({
    name: 'range 1M i64',
    op: 'range',
    schema: rangeParams,
    params: { count: MiB, type: rangeType.value('i64'), reserved: 0 },
    outputs: () => [new BigInt64Array(MiB)],
    inputs: () => [BigInt64Array.of(0n), BigInt64Array.of(1n)],
  }),
  of({
    name: 'trilu [12,512,512]',
    op: 'trilu',
    schema: triluParams,
    params: { elementBytes: 4, upper: 1, batch: 12, rows: 512, columns: 512, diagonal: 0 },
    outputs: () => [new Float32Array(12 * 512 * 512)],
    inputs: () => [new Float32Array(12 * 512 * 512)],
  }),
  of({
    name: 'eye 1024',
    op: 'eye',
    schema: eyeParams,
    params: { elementBytes: 4, reserved: 0, rows: 1024, columns: 1024, diagonal: 0, pattern: [1, 1, 1, 1] },
    outputs: () => [new Float32Array(MiB)],
    inputs: () => [],
  }),
  of({
    name: 'one_hot 512 of 1000',
    op: 'one_hot',
    schema: oneHotParams,
    params: { elementBytes: 4, type: oneHotType.value('i64'), outer: 512, depth: 1000, inner: 1 },
    outputs: () => [new Float32Array(512 * 1000)],
    inputs: () => [indices(512, 1000, 1), Float32Array.of(0, 1)],
  }),
  of({
    name: 'reverse_sequence [100,16,256]',
    op: 'reverse_sequence',
    schema: reverseSequenceParams,
    params: { time: 100, batch: 16, blockBytes: 1024, batchMajor: 0, reserved: 0 },
    outputs: () => [new Float32Array(100 * 16 * 256)],
    inputs: () => [new Float32Array(100 * 16 * 256), indices(16, 100, 1)],
  }),
  of({
    name: 'nonzero [512,512]',
    op: 'nonzero',
    schema: nonZeroParams,
    params: { elementBytes: 4, floating: 1, rank: 2, unused: 0, dims: eight([512, 512], 1) },
    outputs: () => [new BigInt64Array(2 * 512 * 512), new BigInt64Array(1)],
    inputs: () => [Float32Array.from(indices(512 * 512, 2, 1), Number)],
  }),
  of({
    name: 'compress half of 4096 rows of 64',
    op: 'compress',
    schema: compressParams,
    params: { outer: 1, length: 4096, innerBytes: 256, conditions: 4096 },
    outputs: () => [new Float32Array(4096 * 64), new BigInt64Array(1)],
    inputs: () => [floats(4096 * 64, 1), Uint8Array.from(indices(4096, 2, 2), Number)],
  }),
  of({
    name: 'unique of 10000',
    op: 'unique',
    dtypes: 'f32',
    schema: uniqueParams,
    params: { outer: 1, length: 10000, inner: 1, sorted: 1, unused: 0 },
    outputs: () => [new Float32Array(10000), new BigInt64Array(1), undefined, undefined, undefined],
    inputs: () => [Float32Array.from(indices(10000, 500, 1), Number)],
  }),
  of({
    name: 'nms 1000 boxes, 4 classes',
    op: 'nms',
    dtypes: 'f32',
    schema: nonMaxSuppressionParams,
    params: { batches: 1, classes: 4, boxes: 1000, limit: 4000, centerPoint: 1, unused: 0 },
    outputs: () => [new BigInt64Array(4000 * 3), new BigInt64Array(1)],
    inputs: () => [floats(4000, 1, 10, 100), floats(4000, 2, 0, 1), BigInt64Array.of(100n), Float32Array.of(0.5), Float32Array.of(0.3)],
  }),
];
