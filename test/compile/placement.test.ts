/** Concat without copies: which values are made in place, and that the result is the same as with copies. */
import { describe, expect, it } from 'vitest';
import { Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { Model } from '../../lib/runtime/model.js';
import { randomFloats } from '../kernels/harness.js';

interface Part {
  readonly op: 'conv' | 'depthwise' | 'transposed' | 'pool' | 'input' | 'constant';
  readonly channels: number;
}

interface Case {
  readonly name: string;
  readonly parts: readonly Part[];
  /** Calls of the concat kernel that are left. */
  readonly calls: number;
  readonly axis?: number;
  readonly batch?: number;
  readonly size?: number;
  /** Whether the joined value itself leaves the graph. */
  readonly output?: boolean;
}

const conv = (channels: number): Part => ({ op: 'conv', channels });
const given = (channels: number): Part => ({ op: 'input', channels });

const cases: readonly Case[] = [
  { name: 'two convolutions', parts: [conv(8), conv(24)], calls: 0 },
  { name: 'two convolutions, as output', parts: [conv(8), conv(24)], calls: 0, output: true },
  { name: 'a batch', parts: [conv(6), conv(10), conv(4)], calls: 0, batch: 3 },
  { name: 'columns that fill no vector', parts: [conv(2), conv(18), conv(35)], calls: 0 },
  { name: 'a depthwise one', parts: [conv(4), { op: 'depthwise', channels: 12 }], calls: 0 },
  { name: 'a transposed one', parts: [{ op: 'transposed', channels: 20 }, conv(4)], calls: 0 },
  { name: 'a pool', parts: [conv(4), { op: 'pool', channels: 16 }, conv(6)], calls: 0 },
  { name: 'a value from elsewhere between', parts: [conv(4), given(6), conv(8)], calls: 1 },
  { name: 'runs of values from elsewhere', parts: [given(4), given(2), conv(6), given(4), conv(2), given(1)], calls: 3 },
  { name: 'columns that start between operands', parts: [conv(3), conv(5)], calls: 1 },
  { name: 'a constant beside', parts: [conv(4), { op: 'constant', channels: 4 }], calls: 1 },
  { name: 'rows of the image', parts: [conv(5), conv(5)], calls: 0, axis: 2, size: 8 },
  { name: 'rows of several images', parts: [conv(5), conv(5)], calls: 1, axis: 2, batch: 2 },
  { name: 'Winograd tiles', parts: [conv(16), conv(32)], calls: 0, size: 18 },
];

/** The network channels-first, as a model has it; with `apart` its parts leave the graph too, and have to be copied. */
function network({ parts, axis = 1, batch = 1, size = 7, output = false }: Case, apart: boolean): Graph {
  const graph = new Graph('network');
  const channels = 16;
  const x = graph.addInput('x', 'float32', [batch, channels, size, size]);
  const made: Value[] = parts.map((part, i) => {
    const weight = (dims: number[]) => {
      const values = randomFloats(
        dims.reduce((a, b) => a * b, 1),
        7 + i,
      );
      return graph.addConstant(Constant.of('float32', dims, [...values]));
    };
    const m = part.channels;
    switch (part.op) {
      case 'input':
        return graph.addInput(`part${i}`, 'float32', [batch, m, size, size]);
      case 'pool':
        return graph.addNode('MaxPool', [x], { attrs: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } }).output();
      case 'constant':
        return weight([batch, m, size, size]);
      case 'transposed':
        return graph.addNode('ConvTranspose', [x, weight([channels, m, 3, 3])], { attrs: { pads: [1, 1, 1, 1] } }).output();
      case 'depthwise': {
        const narrow = graph.addNode('Conv', [x, weight([m, channels, 1, 1])]).output();
        return graph.addNode('Conv', [narrow, weight([m, 1, 3, 3])], { attrs: { pads: [1, 1, 1, 1], group: m } }).output();
      }
      default:
        return graph.addNode('Relu', [graph.addNode('Conv', [x, weight([m, channels, 3, 3])], { attrs: { pads: [1, 1, 1, 1] } }).output()]).output();
    }
  });
  const joined = graph.addNode('Concat', made, { attrs: { axis } }).output();
  // a convolution reads channels last: between it and the others no transpose is left
  const width = joined === undefined ? 0 : axis === 1 ? parts.reduce((n, p) => n + p.channels, 0) : (parts[0] as Part).channels;
  const weights = graph.addConstant(Constant.of('float32', [4, width, 1, 1], [...randomFloats(4 * width, 99)]));
  const y = output ? joined : graph.addNode('Conv', [joined, weights]).output();
  graph.outputs.push(y);
  if (apart) for (const v of made) if (v.producer !== undefined) graph.outputs.push(v);
  return graph;
}

function run(graph: Graph) {
  const model = new Model(graph, { threads: 2, maxPrograms: 1, keepSources: true, onLoaded: () => {} });
  const inputs = graph.inputs.map((v, i) => {
    const dims = v.shape as number[];
    return {
      dtype: 'float32' as const,
      dims,
      data: randomFloats(
        dims.reduce((a, b) => a * b, 1),
        3 + i,
      ),
    };
  });
  const [y] = model.runSync(inputs);
  const steps = model.programs[0]?.compiled.steps ?? [];
  model.dispose();
  return { data: y?.data as Float32Array, calls: steps.filter((s) => s.kernel.op === 'concat').length };
}

describe('values made where they are joined', () => {
  it.each(cases)('$name', (c) => {
    const placed = run(network(c, false));
    const copied = run(network(c, true));
    expect(placed.calls).toBe(c.calls);
    expect(copied.calls).toBe(1);
    expect(Buffer.compare(Buffer.from(placed.data.buffer), Buffer.from(copied.data.buffer))).toBe(0);
  });
});
