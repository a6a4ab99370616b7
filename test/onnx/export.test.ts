import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { closeSubgraphs } from '../../lib/graph/close-subgraphs.js';
import { Constant, Graph } from '../../lib/graph/graph.js';
import { printGraph } from '../../lib/graph/print.js';
import { exportModel } from '../../lib/onnx/export.js';
import { importModel } from '../../lib/onnx/import.js';
import { AttributeProto_AttributeType as Kind, ModelProtoSchema } from './generated/onnx_pb.js';
import { attrs, encode, f32, type GraphInit, node } from './models.js';

/** The text of a graph and of the graphs inside it. */
function print(graph: Graph): string {
  const inner = graph.nodes.flatMap((n) => [...n.attrs.values()].flatMap((a) => (Array.isArray(a) ? a : [a]))).filter((a) => a instanceof Graph);
  return [printGraph(graph), ...inner.map(print)].join('\n');
}

function roundTrip(bytes: Uint8Array, source?: { path: string }): void {
  const first = importModel(bytes, { source });
  const second = importModel(exportModel(first.graph, first));
  expect(print(second.graph)).toBe(print(first.graph));
  expect(second.problems).toEqual(first.problems.filter((p) => !p.includes('of ai.onnx')));
  const weights = (graph: Graph) => graph.nodes.flatMap((n) => n.inputs).flatMap((v) => (v?.constant === undefined ? [] : [v.constant]));
  const [a, b] = [weights(first.graph), weights(second.graph)];
  expect(b.length).toBe(a.length);
  a.forEach((c, i) => {
    expect(Buffer.compare(c.read(), b[i]?.read() ?? new Uint8Array(0))).toBe(0);
  });
}

describe('export', () => {
  it('refuses what is no graph', () => {
    for (const graph of [undefined, null, 5, {}])
      expect(() => exportModel(graph as never)).toThrow('exportModel: graph must be a Graph, as build() returns it');
  });
  const branch = (name: string, op: string) => ({ name, type: Kind.GRAPH, g: { name, node: [node(op, ['x'], ['a'])], output: [f32('a')] } });
  it.each<[string, GraphInit]>([
    [
      'weights and attributes',
      {
        name: 'g',
        input: [f32('x', 'n', 3, 8, 8)],
        output: [f32('y', 'n', 4, 8, 8)],
        initializer: [{ name: 'w', dataType: 1, dims: [4n, 3n, 1n, 1n], floatData: Array.from({ length: 12 }, (_, i) => i / 8) }],
        node: [node('Conv', ['x', 'w'], ['c'], attrs({ kernel_shape: [1, 1], group: 1 })), node('LeakyRelu', ['c'], ['y'], attrs({ alpha: { float: 1 } }))],
      },
    ],
    ['left out inputs', { name: 'g', input: [f32('x', 2), f32('m')], output: [f32('y', 2)], node: [node('Clip', ['x', '', 'm'], ['y'])] }],
    [
      'strings, halves and a tensor attribute',
      {
        name: 'g',
        input: [{ ...f32('s', 2) }],
        output: [f32('y'), f32('h', 2)],
        initializer: [{ name: 'h', dataType: 10, dims: [2n], int32Data: [1, 0xffff] }],
        node: [
          node('ConstantOfShape', ['s'], ['y'], [{ name: 'value', type: Kind.TENSOR, t: { dataType: 1, dims: [1n], floatData: [2] } }]),
          node('StringConcat', ['t', 't'], ['u']),
          node('Constant', [], ['t'], [{ name: 'value_strings', type: Kind.STRINGS, strings: [new TextEncoder().encode('ä')] }]),
        ],
      },
    ],
    [
      'subgraphs',
      {
        name: 'g',
        input: [f32('x', 2), f32('c')],
        output: [f32('y', 2)],
        node: [node('If', ['c'], ['y'], [branch('then_branch', 'Relu'), branch('else_branch', 'Neg')])],
      },
    ],
  ])('keeps a model with %s', (_, graph) => roundTrip(encode(graph)));

  it('writes closed subgraphs with the names of the values around them', () => {
    const bytes = encode({
      name: 'g',
      input: [f32('x', 2), f32('c')],
      output: [f32('y', 2)],
      node: [node('If', ['c'], ['y'], [branch('then_branch', 'Relu'), branch('else_branch', 'Neg')])],
    });
    const { graph } = importModel(bytes);
    const open = print(graph);
    closeSubgraphs(graph);
    expect(print(importModel(exportModel(graph)).graph)).toBe(open);
  });

  it('writes what other runtimes expect: types of attributes, opset, IR version', () => {
    const graph = new Graph('g');
    const x = graph.addInput('x', 'float32', ['n', 4]);
    const scaled = graph.addNode('LeakyRelu', [x], { attrs: { alpha: 1 } });
    const w = graph.addConstant(Constant.of('float32', [4], [1, 2, 3, 4]));
    const normal = graph.addNode('RMSNormalization', [scaled.output(), w], { attrs: { axis: -1, epsilon: 1e-5 } });
    graph.outputs.push(normal.output());
    const model = fromBinary(ModelProtoSchema, exportModel(graph));
    expect(model.graph?.node[0]?.attribute[0]?.type).toBe(Kind.FLOAT);
    expect(model.graph?.node[1]?.attribute.map((a) => a.type)).toEqual([Kind.INT, Kind.FLOAT]);
    expect([model.irVersion, model.opsetImport[0]?.version]).toEqual([11n, 23n]);
    expect(model.graph?.initializer[0]?.rawData.byteLength).toBe(16);
  });

  it('gives values of one name different names', () => {
    const graph = new Graph('g');
    const x = graph.addInput('x', 'float32', [2]);
    const a = graph.addNode('Relu', [x], { name: 'x' });
    const b = graph.addNode('Neg', [a.output()], { name: 'x' });
    graph.outputs.push(b.output());
    expect(importModel(exportModel(graph)).graph.nodes.map((n) => n.inputs[0]?.name)).toEqual(['x', 'x:2']);
  });

  it('gives nodes of one name different names, and none to those without', () => {
    const graph = new Graph('g');
    let v = graph.addInput('x', 'float32', [2]);
    for (const name of ['a', 'a', '', 'a:1', 'a', '']) v = graph.addNode('Relu', [v], { name }).output();
    graph.outputs.push(v);
    expect(fromBinary(ModelProtoSchema, exportModel(graph)).graph?.node.map((n) => n.name)).toEqual(['a', 'a:2', '', 'a:1', 'a:3', '']);
  });

  it('refuses nodes that only this package has', () => {
    const graph = new Graph('g');
    const x = graph.addInput('x', 'float32', [2]);
    graph.outputs.push(graph.addNode('Pointwise', [x], { domain: 'dsnk', name: 'fused' }).output());
    expect(() => exportModel(graph)).toThrow('only standard operators can be written to ONNX\n  - dsnk.Pointwise "fused"');
  });
});

const assets = join(import.meta.dirname, '../../../shared/assets');
describe('real models', () => {
  if (!existsSync(assets)) {
    it.skip(`${assets} is not there`, () => {});
    return;
  }
  const files = readdirSync(assets, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.onnx'));
  it.each(files)('%s survives import, export and import', (file) => {
    const path = join(assets, file);
    roundTrip(readFileSync(path), { path });
    expect(basename(path)).toMatch(/onnx$/);
  });
});

it('writes a weight that several bodies read once, around them', () => {
  const graph = new Graph('shared');
  const [condition, x] = [graph.addInput('c', 'bool', []), graph.addInput('x', 'float32', [4])];
  const weight = graph.addConstant(
    Constant.of(
      'float32',
      [1000],
      Array.from({ length: 1000 }, (_, i) => i),
    ),
    'w',
  );
  const body = (op: string) => {
    const inner = new Graph(op);
    inner.outputs.push(inner.addNode(op, [inner.addNode('Gather', [weight, inner.addConstant(Constant.of('int64', [1], [3]))]).output()]).output());
    return inner;
  };
  const y = graph.addNode('If', [condition], { attrs: { then_branch: body('Relu'), else_branch: body('Neg') } }).output();
  graph.outputs.push(graph.addNode('Add', [x, y]).output());
  const bytes = exportModel(graph);
  expect(bytes.length).toBeLessThan(1.5 * 4000);
  const [branches] = importModel(bytes).graph.nodes.map((n) => ['then_branch', 'else_branch'].map((name) => n.attrs.get(name) as Graph));
  const read = branches?.map((g) => g.nodes[0]?.input(0));
  expect(read?.[0]?.constant?.values()).toEqual(weight.constant?.values());
  expect(read?.[1]).toBe(read?.[0]);
});
