import { mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { printGraph } from '../../lib/graph/print.js';
import { importModel } from '../../lib/onnx/import.js';
import { assertSupported } from '../../lib/ops/infer.js';
import { AttributeProto_AttributeType as Kind, TensorProto_DataLocation } from './generated/onnx_pb.js';
import { encode, f32, type GraphInit, node, read } from './models.js';

const failure = (call: () => unknown) => {
  try {
    call();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return `${code} ${message}`;
  }
  return 'no error';
};
const floats = (...v: number[]) => new Uint8Array(Float32Array.from(v).buffer);

describe('importModel', () => {
  it('keeps names, symbols and constants, and gives unnamed dimensions a name of their own', () => {
    const { graph, opsets } = read({
      name: 'g',
      input: [f32('x', 'batch', '', 3), f32('w', 3)],
      output: [f32('y', 'batch', '', 3)],
      initializer: [{ name: 'w', dataType: 1, dims: [3n], rawData: floats(1, 2, 3) }],
      node: [node('Mul', ['x', 'w'], ['y'])],
    });
    expect(graph.inputs.map((v) => [v.name, v.dtype, v.shape])).toEqual([['x', 'float32', ['batch', 'x_d1', 3]]]);
    expect(graph.nodes[0]?.inputs[1]?.constant?.values()).toEqual([1, 2, 3]);
    expect(opsets.get('')).toBe(21);
    expect(graph.outputs.map((v) => v.name)).toEqual(['y']);
  });

  it('reads raw data as a view of the file', () => {
    const bytes = encode({ name: 'g', output: [f32('w', 3)], initializer: [{ name: 'w', dataType: 1, dims: [3n], rawData: floats(1, 2, 3) }] });
    expect(importModel(bytes).graph.outputs[0]?.constant?.read().buffer).toBe(bytes.buffer);
  });

  it('takes a Buffer, whose slices are views', () => {
    const bytes = encode({ name: 'g', output: [f32('w', 3)], initializer: [{ name: 'w', dataType: 1, dims: [3n], rawData: floats(1, 2, 3) }] });
    const { graph } = importModel(Buffer.concat([Buffer.alloc(3), bytes]).subarray(3));
    expect(graph.outputs[0]?.constant?.values()).toEqual([1, 2, 3]);
  });

  it('lists everything that is not supported at once', () => {
    const { graph, problems } = read(
      {
        name: 'g',
        input: [f32('x')],
        output: [f32('y')],
        node: [node('NoSuchOperator', ['x'], ['a']), { ...node('Other', ['a'], ['y']), domain: 'com.microsoft' }],
      },
      { opsetImport: [{ domain: '', version: 99n }] },
    );
    const text = failure(() => assertSupported(graph, problems));
    expect(text).toContain('ERR_DSNK_UNSUPPORTED_OP');
    for (const line of ['opset 99 of ai.onnx', 'NoSuchOperator "a"', 'com.microsoft.Other "y"']) expect(text).toContain(line);
  });

  it('lists operators that the opset does not have yet', () => {
    const graph = { name: 'g', input: [f32('x')], output: [f32('y')], node: [{ opType: 'Celu', name: 'act', input: ['x'], output: ['y'] }] };
    expect(read(graph, { opsetImport: [{ domain: '', version: 12n }] }).problems).toEqual([]);
    expect(read(graph, { opsetImport: [{ domain: '', version: 11n }] }).problems).toEqual(['Celu "act": it is of opset 12, the model of 11']);
  });

  it.each([
    ['float', { dataType: 1, floatData: [1.5, -2] }, [1.5, -2]],
    ['double', { dataType: 11, doubleData: [1.5, -2] }, [1.5, -2]],
    ['int64', { dataType: 7, int64Data: [5n, -6n] }, [5, -6]],
    ['uint64', { dataType: 13, uint64Data: [5n, 6n] }, [5, 6]],
    ['uint32', { dataType: 12, uint64Data: [5n, 2n ** 32n - 1n] }, [5, 2 ** 32 - 1]],
    ['int8', { dataType: 3, int32Data: [-5, 6] }, [-5, 6]],
    ['uint8', { dataType: 2, int32Data: [250, 6] }, [250, 6]],
    ['int16', { dataType: 5, int32Data: [-300, 6] }, [-300, 6]],
    ['bool', { dataType: 9, int32Data: [1, 0] }, [1, 0]],
  ])('converts listed %s data', (_, tensor, values) => {
    const { graph } = read({ name: 'g', output: [f32('w')], initializer: [{ name: 'w', dims: [2n], ...tensor }] });
    expect(graph.outputs[0]?.constant?.values()).toEqual(values);
  });

  it('keeps the bits of half floats and packed int4 in int32_data', () => {
    const { graph } = read({
      name: 'g',
      output: [f32('h'), f32('n')],
      initializer: [
        { name: 'h', dims: [2n], dataType: 10, int32Data: [0x3c00, 0xc000] },
        { name: 'n', dims: [3n], dataType: 22, int32Data: [0x21, 0x0f] },
      ],
    });
    expect([...(graph.outputs[0]?.constant?.read() ?? [])]).toEqual([0, 0x3c, 0, 0xc0]);
    expect([...(graph.outputs[1]?.constant?.read() ?? [])]).toEqual([0x21, 0x0f]);
  });

  it('expands sparse initializers', () => {
    const { graph } = read({
      name: 'g',
      output: [f32('s')],
      sparseInitializer: [
        {
          dims: [2n, 3n],
          values: { name: 's', dataType: 1, dims: [2n], floatData: [7, 8] },
          indices: { dataType: 7, dims: [2n, 2n], int64Data: [0n, 1n, 1n, 2n] },
        },
      ],
    });
    expect(graph.outputs[0]?.constant?.values()).toEqual([0, 7, 0, 0, 0, 8]);
  });

  it('orders nodes, makes Constant nodes constants and inlines functions', () => {
    const { graph } = read(
      {
        name: 'g',
        input: [f32('x', 2)],
        output: [f32('z', 2)],
        node: [{ ...node('Twice', ['y'], ['z'], [{ name: 'k', type: Kind.FLOAT, f: 3 }]), domain: 'local', name: 'twice' }, node('Relu', ['x'], ['y'])],
      },
      {
        opsetImport: [
          { domain: '', version: 21n },
          { domain: 'local', version: 1n },
        ],
        functions: [
          {
            name: 'Twice',
            domain: 'local',
            input: ['a'],
            output: ['b'],
            attribute: ['k'],
            opsetImport: [{ domain: '', version: 21n }],
            node: [
              node('Constant', [], ['c'], [{ name: 'value_float', refAttrName: 'k', type: Kind.FLOAT }]),
              node('Mul', ['a', 'c'], ['t']),
              node('Add', ['t', 'a'], ['b']),
            ],
          },
        ],
      },
    );
    expect(graph.nodes.map((n) => `${n.op} ${n.inputs.map((v) => v?.name)} -> ${n.outputs.map((v) => v.name)}`)).toEqual([
      'Relu x -> y',
      'Mul y,twice/c -> twice/t',
      'Add twice/t,y -> z',
    ]);
    expect(printGraph(graph)).toContain('f32{3}');
  });

  it('keeps subgraphs with their outer values', () => {
    const { graph } = read({
      name: 'g',
      input: [f32('x', 2), f32('c')],
      output: [f32('y', 2)],
      node: [
        node(
          'If',
          ['c'],
          ['y'],
          [
            { name: 'then_branch', type: Kind.GRAPH, g: { name: 't', node: [node('Relu', ['x'], ['a'])], output: [f32('a')] } },
            { name: 'else_branch', type: Kind.GRAPH, g: { name: 'e', node: [node('Neg', ['x'], ['a'])], output: [f32('a')] } },
          ],
        ),
      ],
    });
    const then = graph.nodes[0]?.attrs.get('then_branch') as typeof graph;
    expect(then.nodes[0]?.inputs[0]).toBe(graph.inputs[0]);
  });

  const relu = [node('Relu', ['x'], ['y'])];
  it.each<[string, GraphInit]>([
    ['inputs must be made by a node', { name: 'g', input: [f32('x')], output: [f32('y')], node: [node('Add', ['x', 'nothing'], ['y'])] }],
    ['must not form a cycle', { name: 'g', output: [f32('a')], node: [node('Relu', ['b'], ['a']), node('Relu', ['a'], ['b'])] }],
    ['"y" is made a second time', { name: 'g', input: [f32('x')], output: [f32('y')], node: [...relu, ...relu] }],
    ['"x" is made a second time', { name: 'g', input: [f32('x'), f32('x')], output: [f32('y')], node: relu }],
    ['outputs must be made', { name: 'g', input: [f32('x')], output: [f32('q')], node: relu }],
    ['raw_data of float32[2] must have 8 bytes', { name: 'g', initializer: [{ name: 'w', dataType: 1, dims: [2n], rawData: new Uint8Array(7) }] }],
    ['dims must be non-negative', { name: 'g', initializer: [{ name: 'w', dataType: 1, dims: [-2n], rawData: new Uint8Array(8) }] }],
    ['dims must be non-negative', { name: 'g', initializer: [{ name: 'w', dataType: 1, dims: [2n ** 40n, 2n ** 40n], rawData: new Uint8Array(8) }] }],
    ['tensor must have 3 elements', { name: 'g', initializer: [{ name: 'w', dataType: 1, dims: [3n], floatData: [1] }] }],
    ['element type must be one of', { name: 'g', initializer: [{ name: 'w', dataType: 99, dims: [3n], floatData: [1] }] }],
    ['dimensions must be non-negative', { name: 'g', input: [f32('x', -5)], output: [f32('y')], node: relu }],
    ['must hold a tensor', { name: 'g', output: [f32('y')], node: [node('Constant', [], ['y'], [{ name: 'value', type: Kind.TENSOR }])] }],
  ])('refuses a model with "%s"', (message, graph) => {
    const text = failure(() => read(graph));
    expect(text).toContain('ERR_DSNK_INVALID_MODEL');
    expect(text).toContain(message);
  });

  it('refuses what is no bytes', () => {
    for (const given of ['model.onnx', undefined, null, new ArrayBuffer(8)])
      expect(failure(() => importModel(given as never))).toMatch(/^ERR_DSNK_INVALID_ARGUMENT importModel: bytes must be a Uint8Array/);
  });

  it('refuses recursive functions and bytes that are no model', () => {
    const recursive = { name: 'F', domain: 'l', input: ['a'], output: ['b'], node: [{ ...node('F', ['a'], ['b']), domain: 'l' }] };
    const graph = { name: 'g', input: [f32('x')], output: [f32('y')], node: [{ ...node('F', ['x'], ['y']), domain: 'l' }] };
    expect(failure(() => read(graph, { functions: [recursive] }))).toContain('must not be recursive');
    expect(failure(() => importModel(new TextEncoder().encode('<html>not a model</html>')))).toContain('bytes must be an ONNX model');
    expect(failure(() => importModel(new Uint8Array(0)))).toContain('bytes must be an ONNX model');
  });
});

describe('bytes on disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dsnk-'));
  const outside = mkdtempSync(join(tmpdir(), 'dsnk-'));
  afterAll(() => {
    for (const dir of [folder, outside]) rmSync(dir, { recursive: true });
  });
  const external = (location: string, more: Record<string, string> = {}): GraphInit => ({
    name: 'g',
    output: [f32('w', 3)],
    initializer: [
      {
        name: 'w',
        dataType: 1,
        dims: [3n],
        dataLocation: TensorProto_DataLocation.EXTERNAL,
        externalData: Object.entries({ location, ...more }).map(([key, value]) => ({ key, value })),
      },
    ],
  });
  const load = (graph: GraphInit) => importModel(encode(graph), { folder }).graph.outputs[0]?.constant?.values();

  it('reads external data lazily from inside the folder', () => {
    writeFileSync(join(folder, 'w.bin'), floats(9, 1, 2, 3));
    expect(load(external('w.bin', { offset: '4', length: '12' }))).toEqual([1, 2, 3]);
    expect(load(external('./w.bin'))).toEqual([9, 1, 2]);
  });

  it('refuses everything that leads out of the folder or past the end of a file', () => {
    writeFileSync(join(outside, 'secret'), floats(1, 2, 3));
    symlinkSync(join(outside, 'secret'), join(folder, 'link'));
    symlinkSync(outside, join(folder, 'dir'));
    for (const location of ['../x', join(outside, 'secret'), 'link', 'dir/secret', '', '.', 'absent', 'a/../../x', 'C:\\x', '..\\x']) {
      expect(
        failure(() => load(external(location))),
        location,
      ).toMatch(/^ERR_DSNK_INVALID_MODEL/);
    }
    expect(failure(() => load(external('w.bin', { offset: '8' })))).toContain('must lie inside its file');
    expect(failure(() => load(external('w.bin', { offset: '-4' })))).toContain('must be a byte count');
    expect(failure(() => load(external('w.bin', { length: '4' })))).toContain('must have 12 bytes');
    expect(failure(() => importModel(encode(external('w.bin'))))).toContain('loaded by path');
  });

  it('reads weights again from an unchanged file once the buffer is gone', () => {
    const path = join(folder, 'm.onnx');
    const bytes = encode({ name: 'g', output: [f32('w', 3)], initializer: [{ name: 'w', dataType: 1, dims: [3n], rawData: floats(1, 2, 3) }] });
    writeFileSync(path, bytes);
    const own = new Uint8Array(bytes);
    const constant = importModel(own, { source: { path } }).graph.outputs[0]?.constant;
    structuredClone(own.buffer, { transfer: [own.buffer] });
    expect(own.byteLength).toBe(0);
    expect(constant?.values()).toEqual([1, 2, 3]);
    utimesSync(path, 1, 1);
    expect(failure(() => constant?.values())).toContain('model file must stay unchanged');
  });
});
