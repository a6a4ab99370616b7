/** Small ONNX models, written down in place. */
import { create, type Message, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { importModel } from '../../lib/onnx/import.js';
import { AttributeProto_AttributeType as Kind, ModelProtoSchema } from './generated/onnx_pb.js';

/** What a message is made of, without the messages themselves. */
type Init<M> = Exclude<NonNullable<M>, Message>;
export type Model = Init<MessageInitShape<typeof ModelProtoSchema>>;
export type GraphInit = Init<Model['graph']>;

export const f32 = (name: string, ...dims: (number | string)[]) => ({
  name,
  type: {
    value: {
      case: 'tensorType' as const,
      value: {
        elemType: 1,
        shape: {
          dim: dims.map((d) =>
            typeof d === 'number'
              ? { value: { case: 'dimValue' as const, value: BigInt(d) } }
              : d === ''
                ? {}
                : { value: { case: 'dimParam' as const, value: d } },
          ),
        },
      },
    },
  },
});
export const encode = (graph: GraphInit, more: Partial<Model> = {}) =>
  toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 10n, opsetImport: [{ domain: '', version: 21n }], graph, ...more }));
export const read = (graph: GraphInit, more: Partial<Model> = {}) => importModel(encode(graph, more));
export const node = (opType: string, input: string[], output: string[], attribute: NonNullable<GraphInit['node']>[number]['attribute'] = []) => ({
  opType,
  input,
  output,
  attribute: attribute ?? [],
});

/** Attributes by the look of their value; `float(1)` for whole numbers that are floats. */
export const attrs = (
  values: Record<string, number | string | number[] | { float: number } | { floats: number[] }>,
): NonNullable<GraphInit['node']>[number]['attribute'] =>
  Object.entries(values).map(([name, v]) => {
    if (typeof v === 'string') return { name, type: Kind.STRING, s: new TextEncoder().encode(v) };
    if (Array.isArray(v)) return { name, type: Kind.INTS, ints: v.map(BigInt) };
    if (typeof v === 'object') return 'float' in v ? { name, type: Kind.FLOAT, f: v.float } : { name, type: Kind.FLOATS, floats: v.floats };
    return Number.isInteger(v) ? { name, type: Kind.INT, i: BigInt(v) } : { name, type: Kind.FLOAT, f: v };
  });
