/** AttributeProto to attribute values, and the attribute types that a name alone does not tell. */
import { dsnkError } from '../errors.js';
import type { AttrValue, Graph } from '../graph/graph.js';
import { type AttributeProto, type GraphProto, AttributeProto_AttributeType as Kind } from './generated/onnx_pb.js';
import type { TensorReader } from './tensors.js';

const utf8 = new TextDecoder();

/** A kind of attribute that the graph has no form for. */
export interface UnsupportedAttribute {
  readonly unsupported: string;
}

export function attribute(proto: AttributeProto, node: string, tensors: TensorReader, graph: (g: GraphProto) => Graph): AttrValue | UnsupportedAttribute {
  const where = `${node} attribute ${proto.name}`;
  if (proto.name === '') throw dsnkError('ERR_DSNK_INVALID_MODEL', node, 'attributes must have a name');
  const kind = proto.type === Kind.UNDEFINED ? guessKind(proto) : proto.type;
  switch (kind) {
    case Kind.FLOAT:
      return proto.f;
    case Kind.INT:
      return Number(proto.i);
    case Kind.STRING:
      return utf8.decode(proto.s);
    case Kind.FLOATS:
      return [...proto.floats];
    case Kind.INTS:
      return proto.ints.map(Number);
    case Kind.STRINGS:
      return proto.strings.map((s) => utf8.decode(s));
    case Kind.TENSOR:
      if (proto.t === undefined) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'must hold a tensor', 'it is empty');
      return tensors.constant(proto.t, where);
    case Kind.SPARSE_TENSOR:
      if (proto.sparseTensor === undefined) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'must hold a sparse tensor', 'it is empty');
      return tensors.sparse(proto.sparseTensor, where);
    case Kind.GRAPH:
      if (proto.g === undefined) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'must hold a graph', 'it is empty');
      return graph(proto.g);
    case Kind.GRAPHS:
      return proto.graphs.map(graph);
    case Kind.TENSORS:
    case Kind.SPARSE_TENSORS:
    case Kind.TYPE_PROTO:
    case Kind.TYPE_PROTOS:
      return { unsupported: `attribute ${proto.name} of type ${Kind[kind]}` };
    default:
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'type must be one of AttributeProto.AttributeType', `${kind} came`);
  }
}

/** Files before IR 2 have no type: the field that is set tells it. */
function guessKind(proto: AttributeProto): Kind {
  if (proto.t !== undefined) return Kind.TENSOR;
  if (proto.g !== undefined) return Kind.GRAPH;
  if (proto.ints.length > 0) return Kind.INTS;
  if (proto.floats.length > 0) return Kind.FLOATS;
  if (proto.strings.length > 0) return Kind.STRINGS;
  if (proto.graphs.length > 0) return Kind.GRAPHS;
  if (Object.hasOwn(proto, 's')) return Kind.STRING;
  if (Object.hasOwn(proto, 'f')) return Kind.FLOAT;
  if (Object.hasOwn(proto, 'i')) return Kind.INT;
  return Kind.INTS;
}
