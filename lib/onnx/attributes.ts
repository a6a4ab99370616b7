/** AttributeProto to attribute values, and the attribute types that a name alone does not tell. */
import { dsnkError } from '../errors.js';
import { type AttrValue, Constant, Graph } from '../graph/graph.js';
import { type AttributeProto, type GraphProto, AttributeKind as Kind, type TensorProto } from './proto.js';
import type { TensorReader } from './tensors.js';
import type { Init } from './wire.js';

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
      return { unsupported: `attribute ${proto.name} of type ${Object.keys(Kind)[kind]}` };
    default:
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'type must be one of AttributeProto.AttributeType', `${kind} came`);
  }
}

/** Files before IR 2 have no type: the field that is set tells it. */
function guessKind(proto: AttributeProto): number {
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

/**
 * Attributes that are floats in every operator that has them. JavaScript does not tell 1 from 1.0, other runtimes do.
 */
const floatNames = new Set(
  `activation_alpha activation_beta alpha beta bias clip cubic_coeff_a decay_factor epsilon extrapolation_value gamma high
   lambd low mask_filter_value mean momentum norm_coefficient norm_coefficient_post pooling_ratio ratio sample_size scale scales
   seed softcap spatial_scale threshold value_float value_floats zoom
   cats_float default_float class_weights coefficients intercepts offset base_values nodes_values target_weights
   y_scale x_scale`.split(/\s+/),
);
const encoder = new TextEncoder();
const int64 = (v: number): bigint => BigInt.asIntN(64, v >= 2 ** 63 ? 2n ** 63n - 1n : v < -(2 ** 63) ? -(2n ** 63n) : BigInt(v));

export function attributeProto(
  name: string,
  value: AttrValue,
  where: string,
  tensor: (c: Constant) => Init<TensorProto>,
  graph: (g: Graph) => Init<GraphProto>,
): Init<AttributeProto> {
  const isFloat = (numbers: readonly number[]) => floatNames.has(name) || !numbers.every(Number.isInteger);
  if (typeof value === 'number') return isFloat([value]) ? { name, type: Kind.FLOAT, f: value } : { name, type: Kind.INT, i: int64(value) };
  if (typeof value === 'string') return { name, type: Kind.STRING, s: encoder.encode(value) };
  if (value instanceof Constant) return { name, type: Kind.TENSOR, t: tensor(value) };
  if (value instanceof Graph) return { name, type: Kind.GRAPH, g: graph(value) };
  const list = value as readonly (number | string | Graph)[];
  if (list.every((v) => typeof v === 'number')) {
    return isFloat(list) ? { name, type: Kind.FLOATS, floats: [...list] } : { name, type: Kind.INTS, ints: list.map(int64) };
  }
  if (list.every((v) => typeof v === 'string')) return { name, type: Kind.STRINGS, strings: list.map((v) => encoder.encode(v)) };
  if (list.every((v) => v instanceof Graph)) return { name, type: Kind.GRAPHS, graphs: list.map(graph) };
  throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, `attribute ${name} must be a list of one kind`, 'a mixed list came');
}
