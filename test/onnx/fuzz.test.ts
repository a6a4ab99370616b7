/**
 * Damaged models. Every mutation must load or be refused with a DsnkError, in bounded time: no other exception, no hang.
 * DSNK_FUZZ sets the number of mutations per small seed model, a twentieth of it for whole networks (CI: 20000);
 * DSNK_FUZZ_SEED the start of the random numbers.
 */
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile } from '../../lib/compile/compile.js';
import { WeightIndex } from '../../lib/compile/weights.js';
import { DsnkError } from '../../lib/errors.js';
import { closeSubgraphs } from '../../lib/graph/close-subgraphs.js';
import { exportModel } from '../../lib/onnx/export.js';
import { importModel } from '../../lib/onnx/import.js';
import { assertSupported, inferGraph } from '../../lib/ops/infer.js';
import { NeedsValue } from '../../lib/ops/operator.js';
import { nativeCatalogue } from '../../lib/runtime/model.js';
import { damageBytes, damageMeaning, randomNumbers } from './damage.js';
import { AttributeProto_AttributeType as Kind } from './generated/onnx_pb.js';
import { attrs, encode, f32, node } from './models.js';

const count = Number(process.env['DSNK_FUZZ'] ?? 400);
const start = Number(process.env['DSNK_FUZZ_SEED'] ?? 1);
/** Far above what any of these takes on a busy machine. */
const SLOW_MS = 10_000;

const branch = (name: string, op: string) => ({ name, type: Kind.GRAPH, g: { name, node: [node(op, ['x'], ['a'])], output: [f32('a')] } });
const seeds: [string, Uint8Array][] = [
  [
    'convolution',
    encode({
      name: 'g',
      input: [f32('x', 'n', 3, 8, 8)],
      output: [f32('y')],
      initializer: [
        { name: 'w', dataType: 1, dims: [4n, 3n, 3n, 3n], rawData: new Uint8Array(432).fill(60) },
        { name: 'b', dataType: 1, dims: [4n], floatData: [1, 2, 3, 4] },
        { name: 's', dataType: 7, dims: [2n], int64Data: [0n, -1n] },
      ],
      node: [
        node('Conv', ['x', 'w', 'b'], ['c'], attrs({ kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] })),
        node('Relu', ['c'], ['r']),
        node('MaxPool', ['r'], ['p'], attrs({ kernel_shape: [2, 2] })),
        node('Reshape', ['p', 's'], ['q']),
        node('Softmax', ['q'], ['y'], attrs({ axis: -1 })),
      ],
    }),
  ],
  [
    'shape arithmetic',
    encode({
      name: 'g',
      input: [f32('x', 2, 'n', 4), f32('z', 1)],
      output: [f32('y'), f32('t')],
      initializer: [
        { name: 'i', dataType: 7, dims: [1n], int64Data: [1n] },
        { name: 'e', dataType: 7, dims: [1n], rawData: new Uint8Array(8).fill(1) },
      ],
      node: [
        node('Shape', ['x'], ['s']),
        node('Gather', ['s', 'i'], ['d']),
        node('Concat', ['d', 'i', 'd'], ['k'], attrs({ axis: 0 })),
        node('Expand', ['z', 'k'], ['w']),
        node('Slice', ['w', 'i', 'e', 'i', 'i'], ['v']),
        node('Transpose', ['v'], ['y'], attrs({ perm: [2, 0, 1] })),
        node('Tile', ['x', 'k'], ['u']),
        node('ReduceSum', ['u', 'i'], ['o'], attrs({ keepdims: 0 })),
        node('Split', ['o'], ['t', 'tt'], attrs({ num_outputs: 2 })),
      ],
    }),
  ],
  [
    'subgraphs, functions and sparse weights',
    encode(
      {
        name: 'g',
        input: [f32('x', 2, 3), { ...f32('c') }],
        output: [f32('y', 2, 3)],
        sparseInitializer: [
          {
            dims: [2n, 3n],
            values: { name: 's', dataType: 1, dims: [2n], floatData: [7, 8] },
            indices: { dataType: 7, dims: [2n, 2n], int64Data: [0n, 1n, 1n, 2n] },
          },
        ],
        node: [
          node('If', ['c'], ['a'], [branch('then_branch', 'Relu'), branch('else_branch', 'Neg')]),
          { ...node('F', ['a', 's'], ['y'], attrs({ k: 2 })), domain: 'l' },
        ],
      },
      {
        opsetImport: [
          { domain: '', version: 21n },
          { domain: 'l', version: 1n },
        ],
        functions: [
          {
            name: 'F',
            domain: 'l',
            input: ['a', 'b'],
            output: ['c'],
            attribute: ['k'],
            node: [node('Constant', [], ['k'], [{ name: 'value_int', refAttrName: 'k', type: Kind.INT }]), node('Add', ['a', 'b'], ['c'])],
          },
        ],
      },
    ),
  ],
  [
    'first opsets',
    encode(
      {
        name: 'g',
        input: [f32('x', 2, 8, 4, 4), f32('c', 8)],
        output: [f32('y')],
        node: [
          node('Add', ['x', 'c'], ['a'], attrs({ broadcast: 1, axis: 1 })),
          node('BatchNormalization', ['a', 'c', 'c', 'c', 'c'], ['b'], attrs({ is_test: 1, spatial: 1 })),
          node('Pad', ['b'], ['p'], attrs({ pads: [0, 0, 1, 1, 0, 0, 1, 1], value: 0.5 })),
          node('Upsample', ['p'], ['u'], attrs({ height_scale: { float: 2 }, width_scale: { float: 2 } })),
          node('Slice', ['u'], ['s'], attrs({ starts: [1], ends: [3], axes: [2] })),
          node('Softmax', ['s'], ['m'], attrs({ axis: 1 })),
          node('TopK', ['m'], ['y', 'i'], attrs({ k: 2 })),
        ],
      },
      { irVersion: 3n, opsetImport: [{ domain: '', version: 6n }] },
    ),
  ],
];
seeds.push(['exported convolution', exportModel(importModel((seeds[0] as [string, Uint8Array])[1]).graph)]);
const assets = join(import.meta.dirname, '../../../shared/assets');
for (const file of ['cnn/mnist-8.onnx', 'sr/super_resolution.onnx', 'face/yunet_n_640_640.onnx', 'speech/silero_vad_16k_op15.onnx']) {
  if (existsSync(join(assets, file))) seeds.push([file, new Uint8Array(readFileSync(join(assets, file)))]);
}

/** What a session does with a model before it runs. */
function load(bytes: Uint8Array): void {
  const { graph, problems } = importModel(bytes);
  closeSubgraphs(graph);
  assertSupported(graph, problems);
  inferGraph(graph, { concrete: false });
  const { graph: copy } = graph.clone();
  for (const v of copy.inputs) v.shape = (v.shape ?? [2, 3]).map((d) => (typeof d === 'string' ? 2 : d));
  compile(copy, nativeCatalogue(), new WeightIndex());
}

describe('damaged models', () => {
  it.each(seeds)('%s', { timeout: 10_000 + count * 100 }, (name, seed) => {
    const random = randomNumbers(start);
    // A whole network takes a while to compile.
    const rounds = Math.ceil(seed.length > 10_000 ? count / 20 : count);
    const folder = mkdtempSync(join(tmpdir(), 'dsnk-fuzz-'));
    const wrong = new Map<string, string>();
    for (let i = 0; i < rounds; i++) {
      const other = (seeds[random(seeds.length)] as [string, Uint8Array])[1];
      const bytes = i % 4 === 0 ? damageBytes(seed, random, other) : damageMeaning(seed, random);
      const before = performance.now();
      let problem: string | undefined;
      try {
        load(bytes);
      } catch (error) {
        if (!(error instanceof DsnkError || error instanceof NeedsValue)) problem = error instanceof Error ? (error.stack ?? error.message) : `${error}`;
      }
      const took = performance.now() - before;
      if (took > SLOW_MS) problem = `${Math.round(took)} ms`;
      const key = problem?.split('\n').slice(0, 3).join('\n');
      if (key === undefined || wrong.has(key)) continue;
      const path = join(folder, `${i}.onnx`);
      writeFileSync(path, bytes);
      wrong.set(key, path);
    }
    expect(
      [...wrong].map(([key, path]) => `${path}: ${key}`),
      `${name}, seed ${start}`,
    ).toEqual([]);
  });
});
