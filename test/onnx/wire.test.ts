/** The reader and writer of protobuf beside a general implementation of it, made from onnx.proto. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import { EXTERNAL, type ModelProto, modelProto, AttributeKind as OwnKind } from '../../lib/onnx/proto.js';
import { readMessage, Schema, writeMessage } from '../../lib/onnx/wire.js';
import { damageBytes, randomNumbers } from './damage.js';
import {
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  TensorProto_DataLocation,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './generated/onnx_pb.js';

const models = join(import.meta.dirname, '..', '..', 'models');
const files = readdirSync(models, { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.onnx'))
  .map((f) => ({ name: f, bytes: new Uint8Array(readFileSync(join(models, f))) }));

/** What is in a message of either kind, by the fields of the table. */
function contents(schema: Schema<object>, message: Record<string, unknown>): Record<string, unknown> {
  const value = (type: unknown, v: unknown): unknown => {
    if (type instanceof Schema) return contents(type, v as Record<string, unknown>);
    // value_info is not decoded with the rest
    const bytes = type === 'bytes' && !(v instanceof Uint8Array) ? toBinary(ValueInfoProtoSchema, v as ValueInfoProto, { writeUnknownFields: false }) : v;
    return bytes instanceof Uint8Array ? Buffer.from(bytes).toString('hex') : bytes;
  };
  const out: Record<string, unknown> = {};
  for (const slot of schema.slots) {
    if (slot === undefined) continue;
    if (slot.owner !== undefined) {
      const chosen = message[slot.owner] as { case: string | undefined; value: unknown };
      if (chosen.case === slot.name) out[slot.name] = value(slot.type, chosen.value);
    } else if (slot.repeated) out[slot.name] = (message[slot.name] as unknown[]).map((v) => value(slot.type, v));
    else {
      if (Object.hasOwn(message, slot.name)) out[`has ${slot.name}`] = true;
      if (message[slot.name] !== undefined) out[slot.name] = value(slot.type, message[slot.name]);
    }
  }
  return out;
}
const ours = (bytes: Uint8Array) => contents(modelProto, readMessage(modelProto, bytes) as unknown as Record<string, unknown>);
const general = (bytes: Uint8Array) => contents(modelProto, fromBinary(ModelProtoSchema, bytes) as unknown as Record<string, unknown>);

/** Every field, every wire type, numbers at their ends. */
const full = create(ModelProtoSchema, {
  irVersion: 2n ** 63n - 1n,
  producerName: 'né\u{1f600}',
  modelVersion: -1n,
  opsetImport: [{ domain: '', version: 21n }, { version: -(2n ** 63n) }],
  metadataProps: [{ key: 'k'.repeat(200), value: 'ü'.repeat(40) }],
  functions: [{ name: 'f', input: ['a', ''], attribute: ['x'], attributeProto: [{ name: 'y', f: -0, type: Kind.FLOAT }], opsetImport: [{ domain: 'd' }] }],
  graph: {
    name: 'g',
    initializer: [
      { name: 'raw', dims: [2n, 0n, 2n ** 40n], dataType: 1, rawData: Uint8Array.of(1, 2, 3, 255) },
      { floatData: [1.5, Number.NaN, -Infinity], doubleData: [Math.PI, -0], int32Data: [-1, 2 ** 31 - 1, -(2 ** 31)] },
      { int64Data: [-1n, 2n ** 62n + 1n, 5n], uint64Data: [2n ** 64n - 1n, 0n, 2n ** 32n], stringData: [Uint8Array.of(), Uint8Array.of(7)] },
      { externalData: [{ key: 'location', value: 'w' }], dataLocation: TensorProto_DataLocation.EXTERNAL },
    ],
    sparseInitializer: [{ values: { name: 's' }, indices: { dataType: 7 }, dims: [3n] }],
    input: [
      {
        name: 'x',
        type: {
          value: {
            case: 'tensorType',
            value: { elemType: 1, shape: { dim: [{ value: { case: 'dimParam', value: 'n' } }, { value: { case: 'dimValue', value: -1n } }, {}] } },
          },
        },
      },
      { name: 'seq', type: { value: { case: 'sequenceType', value: {} } } },
    ],
    node: [
      {
        opType: 'If',
        domain: '',
        attribute: [
          { name: 'g', type: Kind.GRAPH, g: { name: 'inner', node: [{ opType: 'Add', input: ['a', 'b'], output: ['c'] }] } },
          {
            name: 'many',
            floats: [1, 2],
            ints: [-3n, 4n],
            strings: [Uint8Array.of(1)],
            graphs: [{ name: 'h' }],
            tensors: [{ name: 't' }],
            s: new Uint8Array(300),
            i: -5n,
          },
        ],
      },
    ],
  },
});

describe('messages of ONNX', () => {
  it('read as a general reader reads them', () => {
    expect(files.length).toBeGreaterThan(0);
    for (const { name, bytes } of files) expect(ours(bytes), name).toEqual(general(bytes));
    const bytes = toBinary(ModelProtoSchema, full);
    expect(ours(bytes)).toEqual(general(bytes));
    expect(ours(new Uint8Array(0))).toEqual(general(new Uint8Array(0)));
  });

  it('are written byte for byte as a general writer writes them', () => {
    for (const { name, bytes } of files) {
      const again = writeMessage(modelProto, readMessage(modelProto, bytes) as never);
      expect(Buffer.from(again).equals(toBinary(ModelProtoSchema, fromBinary(ModelProtoSchema, bytes), { writeUnknownFields: false })), name).toBe(true);
    }
    expect(Buffer.from(writeMessage(modelProto, full as never)).equals(toBinary(ModelProtoSchema, full))).toBe(true);
  });

  it('hold their byte fields as views', () => {
    const bytes = toBinary(ModelProtoSchema, full);
    expect(readMessage(modelProto, bytes).graph?.initializer[0]?.rawData.buffer).toBe(bytes.buffer);
  });

  it('become one where a field of a message comes twice, and the last of two numbers counts', () => {
    const bytes = new BinaryWriter()
      .tag(1, WireType.Varint)
      .int64(3)
      .tag(7, WireType.LengthDelimited)
      .bytes(Uint8Array.of(0x12, 1, 0x61))
      .tag(7, WireType.LengthDelimited)
      .bytes(Uint8Array.of(0x0a, 0))
      .tag(1, WireType.Varint)
      .int64(9)
      .finish();
    expect(readMessage(modelProto, bytes)).toMatchObject({ irVersion: 9n, graph: { name: 'a', node: [{ opType: '' }] } } as Partial<ModelProto>);
    expect(ours(bytes)).toEqual(general(bytes));
  });

  it('are read with lists in both forms, and with fields that nobody knows', () => {
    const tensor = new BinaryWriter().tag(5, WireType.Varint).int32(-7).tag(5, WireType.LengthDelimited).fork().int32(8).int32(9).join();
    tensor
      .tag(99, WireType.Bit32)
      .fixed32(1)
      .tag(98, WireType.Bit64)
      .fixed64(1)
      .tag(97, WireType.StartGroup)
      .tag(1, WireType.Varint)
      .int32(1)
      .tag(97, WireType.EndGroup);
    const bytes = new BinaryWriter().tag(7, WireType.LengthDelimited).fork().tag(5, WireType.LengthDelimited).bytes(tensor.finish()).join().finish();
    expect(readMessage(modelProto, bytes).graph?.initializer[0]?.int32Data).toEqual([-7, 8, 9]);
  });

  it('are refused where they are cut off, nested without end or no protobuf', () => {
    const bytes = toBinary(ModelProtoSchema, full);
    let refused = 0;
    for (let length = 0; length < bytes.length; length++) {
      try {
        readMessage(modelProto, bytes.subarray(0, length));
      } catch (error) {
        refused++;
        expect((error as Error).message).toMatch(/^(the bytes end inside a field|a number has more than ten bytes)$/);
      }
    }
    expect(refused).toBeGreaterThan(bytes.length * 0.9);
    let deep = new Uint8Array(0);
    for (let i = 0; i < 40; i++) {
      // each a graph in an attribute of a node of the next
      for (const field of [6, 5, 1]) deep = new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(deep).finish();
    }
    expect(() => readMessage(modelProto, new BinaryWriter().tag(7, WireType.LengthDelimited).bytes(deep).finish())).toThrow('nested');
    expect(() => readMessage(modelProto, new Uint8Array(10_000).fill(0x1b))).toThrow('recursion');
    for (const wrong of [[0x00], [0x0c], [0x0e, 0], [0x0f], [0x08, ...new Array(11).fill(0x80)]])
      expect(() => readMessage(modelProto, Uint8Array.from(wrong))).toThrow();
  });

  it('that are damaged are refused, or read as a general reader reads them where it is as strict', () => {
    const random = randomNumbers(5);
    const source = toBinary(ModelProtoSchema, full);
    let refused = 0;
    let same = 0;
    for (let i = 0; i < 2000; i++) {
      const bytes = damageBytes(source, random, source);
      let read: unknown;
      try {
        read = ours(bytes);
      } catch (error) {
        expect((error as Error).constructor).toBe(Error);
        refused++;
        continue;
      }
      // A field in the wrong wire type is read there and skipped here; an unknown enum value is kept here.
      if (
        isDeepStrictEqual(
          read,
          attempt(() => general(bytes)),
        )
      )
        same++;
    }
    expect(refused).toBeGreaterThan(100);
    expect(same).toBeGreaterThan(100);
  });

  it('have the constants of the specification', () => {
    for (const [name, value] of Object.entries(OwnKind)) expect(Kind[name as keyof typeof Kind]).toBe(value);
    expect(EXTERNAL).toBe(TensorProto_DataLocation.EXTERNAL);
    expect(Object.values(OwnKind)).toEqual(Object.keys(OwnKind).map((_, i) => i));
  });
});

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
