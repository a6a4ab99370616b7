/**
 * The messages of an ONNX file, as far as the importer and the exporter use them: names and numbers as in the ONNX
 * specification (docs/IR.md, IR version 14). Tests compare with test/onnx/onnx.proto.
 */
import { choice, list, one, packed, Schema } from './wire.js';

/** AttributeProto.AttributeType. */
export const AttributeKind = {
  UNDEFINED: 0,
  FLOAT: 1,
  INT: 2,
  STRING: 3,
  TENSOR: 4,
  GRAPH: 5,
  FLOATS: 6,
  INTS: 7,
  STRINGS: 8,
  TENSORS: 9,
  GRAPHS: 10,
  SPARSE_TENSOR: 11,
  SPARSE_TENSORS: 12,
  TYPE_PROTO: 13,
  TYPE_PROTOS: 14,
} as const;

/** TensorProto.DataLocation. */
export const EXTERNAL = 1;

export interface AttributeProto {
  name: string;
  f: number;
  i: bigint;
  s: Uint8Array;
  t?: TensorProto | undefined;
  g?: GraphProto | undefined;
  floats: number[];
  ints: bigint[];
  strings: Uint8Array[];
  tensors: TensorProto[];
  graphs: GraphProto[];
  tp?: TypeProto | undefined;
  type: number;
  refAttrName: string;
  sparseTensor?: SparseTensorProto | undefined;
}

export interface ValueInfoProto {
  name: string;
  type?: TypeProto | undefined;
}

export interface NodeProto {
  input: string[];
  output: string[];
  name: string;
  opType: string;
  attribute: AttributeProto[];
  domain: string;
  overload: string;
}

export interface ModelProto {
  irVersion: bigint;
  producerName: string;
  producerVersion: string;
  domain: string;
  modelVersion: bigint;
  graph?: GraphProto | undefined;
  opsetImport: OperatorSetIdProto[];
  metadataProps: StringStringEntryProto[];
  functions: FunctionProto[];
}

export interface StringStringEntryProto {
  key: string;
  value: string;
}

export interface GraphProto {
  node: NodeProto[];
  name: string;
  initializer: TensorProto[];
  input: ValueInfoProto[];
  output: ValueInfoProto[];
  /** A `ValueInfoProto` each, not decoded: half of what a file says about its graph, and hardly ever needed. */
  valueInfo: Uint8Array[];
  sparseInitializer: SparseTensorProto[];
}

export interface TensorProto {
  dims: bigint[];
  dataType: number;
  floatData: number[];
  int32Data: number[];
  stringData: Uint8Array[];
  int64Data: bigint[];
  name: string;
  rawData: Uint8Array;
  doubleData: number[];
  uint64Data: bigint[];
  externalData: StringStringEntryProto[];
  dataLocation: number;
}

export interface SparseTensorProto {
  values?: TensorProto | undefined;
  indices?: TensorProto | undefined;
  dims: bigint[];
}

export interface TensorShapeProto {
  dim: DimensionProto[];
}

export interface DimensionProto {
  value: { case: 'dimValue'; value: bigint } | { case: 'dimParam'; value: string } | { case: undefined; value?: undefined };
}

export interface TensorTypeProto {
  elemType: number;
  shape?: TensorShapeProto | undefined;
}

/** Types that are not tensors are named in messages, and no more. */
export interface OtherTypeProto {
  [nothing: string]: never;
}

export interface TypeProto {
  value:
    | { case: 'tensorType'; value: TensorTypeProto }
    | { case: 'sequenceType' | 'mapType' | 'sparseTensorType' | 'optionalType'; value: OtherTypeProto }
    | { case: undefined; value?: undefined };
}

export interface OperatorSetIdProto {
  domain: string;
  version: bigint;
}

export interface FunctionProto {
  name: string;
  input: string[];
  output: string[];
  attribute: string[];
  node: NodeProto[];
  opsetImport: OperatorSetIdProto[];
  domain: string;
  attributeProto: AttributeProto[];
  overload: string;
}

export const attributeProto: Schema<AttributeProto> = new Schema<AttributeProto>('AttributeProto', () => ({
  name: one(1, 'string'),
  f: one(2, 'float'),
  i: one(3, 'int64'),
  s: one(4, 'bytes'),
  t: one(5, tensorProto),
  g: one(6, graphProto),
  floats: list(7, 'float'),
  ints: list(8, 'int64'),
  strings: list(9, 'bytes'),
  tensors: list(10, tensorProto),
  graphs: list(11, graphProto),
  tp: one(14, typeProto),
  type: one(20, 'int32'),
  refAttrName: one(21, 'string'),
  sparseTensor: one(22, sparseTensorProto),
}));

export const valueInfoProto: Schema<ValueInfoProto> = new Schema<ValueInfoProto>('ValueInfoProto', () => ({ name: one(1, 'string'), type: one(2, typeProto) }));

export const nodeProto: Schema<NodeProto> = new Schema<NodeProto>('NodeProto', () => ({
  input: list(1, 'string'),
  output: list(2, 'string'),
  name: one(3, 'string'),
  opType: one(4, 'string'),
  attribute: list(5, attributeProto),
  domain: one(7, 'string'),
  overload: one(8, 'string'),
}));

export const modelProto: Schema<ModelProto> = new Schema<ModelProto>('ModelProto', () => ({
  irVersion: one(1, 'int64'),
  producerName: one(2, 'string'),
  producerVersion: one(3, 'string'),
  domain: one(4, 'string'),
  modelVersion: one(5, 'int64'),
  graph: one(7, graphProto),
  opsetImport: list(8, operatorSetIdProto),
  metadataProps: list(14, stringStringEntryProto),
  functions: list(25, functionProto),
}));

const stringStringEntryProto: Schema<StringStringEntryProto> = new Schema<StringStringEntryProto>('StringStringEntryProto', () => ({
  key: one(1, 'string'),
  value: one(2, 'string'),
}));

export const graphProto: Schema<GraphProto> = new Schema<GraphProto>('GraphProto', () => ({
  node: list(1, nodeProto),
  name: one(2, 'string'),
  initializer: list(5, tensorProto),
  input: list(11, valueInfoProto),
  output: list(12, valueInfoProto),
  valueInfo: list(13, 'bytes'),
  sparseInitializer: list(15, sparseTensorProto),
}));

export const tensorProto: Schema<TensorProto> = new Schema<TensorProto>('TensorProto', () => ({
  dims: list(1, 'int64'),
  dataType: one(2, 'int32'),
  floatData: packed(4, 'float'),
  int32Data: packed(5, 'int32'),
  stringData: list(6, 'bytes'),
  int64Data: packed(7, 'int64'),
  name: one(8, 'string'),
  rawData: one(9, 'bytes'),
  doubleData: packed(10, 'double'),
  uint64Data: packed(11, 'uint64'),
  externalData: list(13, stringStringEntryProto),
  dataLocation: one(14, 'int32'),
}));

const sparseTensorProto: Schema<SparseTensorProto> = new Schema<SparseTensorProto>('SparseTensorProto', () => ({
  values: one(1, tensorProto),
  indices: one(2, tensorProto),
  dims: list(3, 'int64'),
}));

const dimensionProto: Schema<DimensionProto> = new Schema<DimensionProto>('Dimension', () => ({
  value: choice({ dimValue: one(1, 'int64'), dimParam: one(2, 'string') }),
}));

const tensorShapeProto: Schema<TensorShapeProto> = new Schema<TensorShapeProto>('TensorShapeProto', () => ({ dim: list(1, dimensionProto) }));
const tensorTypeProto: Schema<TensorTypeProto> = new Schema<TensorTypeProto>('TypeProto.Tensor', () => ({
  elemType: one(1, 'int32'),
  shape: one(2, tensorShapeProto),
}));
const otherTypeProto: Schema<OtherTypeProto> = new Schema<OtherTypeProto>('TypeProto', () => ({}));

export const typeProto: Schema<TypeProto> = new Schema<TypeProto>('TypeProto', () => ({
  value: choice({
    tensorType: one(1, tensorTypeProto),
    sequenceType: one(4, otherTypeProto),
    mapType: one(5, otherTypeProto),
    sparseTensorType: one(8, otherTypeProto),
    optionalType: one(9, otherTypeProto),
  }),
}));

const operatorSetIdProto: Schema<OperatorSetIdProto> = new Schema<OperatorSetIdProto>('OperatorSetIdProto', () => ({
  domain: one(1, 'string'),
  version: one(2, 'int64'),
}));

export const functionProto: Schema<FunctionProto> = new Schema<FunctionProto>('FunctionProto', () => ({
  name: one(1, 'string'),
  input: list(4, 'string'),
  output: list(5, 'string'),
  attribute: list(6, 'string'),
  node: list(7, nodeProto),
  opsetImport: list(9, operatorSetIdProto),
  domain: one(10, 'string'),
  attributeProto: list(11, attributeProto),
  overload: one(13, 'string'),
}));
