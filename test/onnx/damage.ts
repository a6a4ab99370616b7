/** Ways to damage a model: as bytes, where most mutations are no protobuf any more, and as messages, where all of them are. */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { mulberry32 } from '../../bench/cases/case.js';
import { type AttributeProto, type GraphProto, type ModelProto, ModelProtoSchema } from './generated/onnx_pb.js';

export type Random = (below: number) => number;

export function randomNumbers(seed: number): Random {
  const next = mulberry32(seed);
  return (below) => (next() * 2 ** 32) % below;
}

/** Where the bytes of a model say something other than weights: mutations there find more. */
function structure(bytes: Uint8Array): Uint32Array {
  const weight = new Uint8Array(bytes.length);
  for (const { rawData } of fromBinary(ModelProtoSchema, bytes).graph?.initializer ?? []) {
    if (rawData.length > 64) weight.fill(1, rawData.byteOffset - bytes.byteOffset + 16, rawData.byteOffset - bytes.byteOffset + rawData.length);
  }
  return Uint32Array.from(bytes.keys()).filter((i) => weight[i] === 0);
}

const concat = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array, place: () => number) => Uint8Array;
const mutations: readonly Mutation[] = [
  function truncate(bytes, _random, _other, place) {
    return bytes.slice(0, place());
  },
  function flip(bytes, random, _other, place) {
    for (let i = 1 + random(4); i > 0; i--) {
      const at = place();
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
    }
    return bytes;
  },
  function overwrite(bytes, random, _other, place) {
    const extreme = [0, 1, 0x7f, 0x80, 0xff];
    for (let i = 1 + random(8), at = place(); i > 0; i--) bytes[at++ % bytes.length] = extreme[random(extreme.length)] as number;
    return bytes;
  },
  function splice(bytes, random, other, place) {
    const from = random(other.length);
    const part = other.slice(from, from + 1 + random(64));
    const at = place();
    return concat(bytes.slice(0, at), part, bytes.slice(at + random(64)));
  },
  function repeat(bytes, random, _other, place) {
    const at = place();
    const part = bytes.slice(at, at + 1 + random(128));
    return concat(bytes.slice(0, at), part, part, bytes.slice(at + part.length));
  },
  function drop(bytes, random, _other, place) {
    const at = place();
    return concat(bytes.slice(0, at), bytes.slice(at + 1 + random(16)));
  },
  // A byte that may be a length or a dimension becomes a long varint.
  function lengthField(bytes, random, _other, place) {
    const at = place();
    const varint = Uint8Array.from({ length: 1 + random(10) }, (_, i) => (i === 0 ? random(256) : 0x80 | random(128)));
    varint[varint.length - 1] = random(128);
    return concat(bytes.slice(0, at), varint, bytes.slice(at + 1));
  },
];

/** One to three mutations of bytes. */
export function damageBytes(seed: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const places = structure(seed);
  let bytes: Uint8Array = seed.slice();
  for (let n = 1 + random(3); n > 0 && bytes.length > 0; n--) {
    bytes = (mutations[random(mutations.length)] as Mutation)(bytes, random, other, () => Math.min(places[random(places.length)] as number, bytes.length - 1));
  }
  return bytes;
}

const extremes = [0n, 1n, -1n, 2n, 3n, 5n, 7n, -2n, 255n, 65536n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 40n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)];
const floats = [0, 1, -1, 0.5, 1e-30, 1e30, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

type Edit = (graph: GraphProto, random: Random, model: ModelProto) => void;
const pick = <T>(list: readonly T[], random: Random): T | undefined => list[random(Math.max(1, list.length))];

function editAttribute(a: AttributeProto, random: Random): void {
  a.i = pick(extremes, random) as bigint;
  a.f = pick(floats, random) as number;
  if (a.ints.length > 0 && random(4) > 0) a.ints[random(a.ints.length)] = pick(extremes, random) as bigint;
  else if (random(2) === 0) a.ints.pop();
  else a.ints.push(pick(extremes, random) as bigint);
  if (a.floats.length > 0) a.floats[random(a.floats.length)] = a.f;
  if (random(8) === 0) a.type = random(16);
  if (random(8) === 0) a.s = new TextEncoder().encode(pick(['', 'linear', 'SAME_UPPER', 'VALID', 'reflect', 'tanh'], random) as string);
}

const edits: readonly Edit[] = [
  function initializerDims(graph, random) {
    const t = pick(graph.initializer, random);
    if (t === undefined) return;
    const kind = random(8);
    if (kind === 0) t.dims.pop();
    else if (kind === 1) t.dims.push(1n);
    else t.dims[random(t.dims.length + 1)] = pick(extremes, random) as bigint;
  },
  function initializerType(graph, random) {
    const t = pick(graph.initializer, random);
    if (t !== undefined) t.dataType = random(28);
  },
  // Contents of small integer tensors decide shapes.
  function initializerContents(graph, random) {
    const t = pick(
      graph.initializer.filter((i) => i.dataType === 7),
      random,
    );
    if (t === undefined) return;
    if (t.rawData.length >= 8) {
      const raw = t.rawData.slice();
      new DataView(raw.buffer).setBigInt64(8 * random(raw.length >> 3), pick(extremes, random) as bigint, true);
      t.rawData = raw;
    } else if (t.int64Data.length > 0) t.int64Data[random(t.int64Data.length)] = pick(extremes, random) as bigint;
  },
  function inputShape(graph, random) {
    const type = pick(graph.input, random)?.type?.value;
    if (type?.case !== 'tensorType') return;
    const dims = type.value.shape?.dim ?? [];
    const kind = random(12);
    if (kind === 0) type.value.elemType = random(28);
    else if (kind === 1) dims.pop();
    else if (kind === 2) dims.push(...dims.slice(0, 1));
    else if (kind === 3) type.value.shape = undefined;
    else {
      const dim = pick(dims, random);
      if (dim !== undefined) dim.value = random(3) === 0 ? { case: 'dimParam', value: 'm' } : { case: 'dimValue', value: pick(extremes, random) as bigint };
    }
  },
  function attributeValue(graph, random) {
    const a = pick(
      graph.node.filter((n) => n.attribute.length > 0),
      random,
    )?.attribute;
    const one = a && pick(a, random);
    if (one !== undefined) editAttribute(one, random);
  },
  function attributeGone(graph, random) {
    const n = pick(
      graph.node.filter((m) => m.attribute.length > 0),
      random,
    );
    n?.attribute.splice(random(n.attribute.length), 1);
  },
  function inputGone(graph, random) {
    const n = pick(graph.node, random);
    if (n === undefined || n.input.length === 0) return;
    if (random(2) === 0) n.input.pop();
    else n.input[random(n.input.length)] = '';
  },
  function rewire(graph, random) {
    const n = pick(graph.node, random);
    const names = [...graph.input.map((v) => v.name), ...graph.initializer.map((t) => t.name), ...graph.node.flatMap((m) => m.output)];
    if (n !== undefined) n.input[random(n.input.length + 1)] = pick(names, random) ?? '';
  },
  function outputs(graph, random) {
    const n = pick(graph.node, random);
    if (random(2) === 0) n?.output.push('more');
    else n?.output.pop();
  },
  function otherOperator(graph, random) {
    const [n, m] = [pick(graph.node, random), pick(graph.node, random)];
    if (n !== undefined && m !== undefined) n.opType = m.opType;
  },
  function opset(_graph, random, model) {
    const o = pick(model.opsetImport, random);
    if (o !== undefined) o.version = BigInt(random(30));
  },
  function nodeGone(graph, random) {
    graph.node.splice(random(graph.node.length + 1), 1);
  },
  function subgraph(graph, random, model) {
    const inner = graph.node.flatMap((n) => n.attribute).flatMap((a) => (a.g === undefined ? [] : [a.g]));
    const one = pick(inner, random);
    if (one !== undefined) edit(one, random, model);
  },
];

function edit(graph: GraphProto, random: Random, model: ModelProto): void {
  (edits[random(edits.length)] as Edit)(graph, random, model);
}

/** One to three mutations of what a model says. */
export function damageMeaning(seed: Uint8Array, random: Random): Uint8Array {
  const model = fromBinary(ModelProtoSchema, seed);
  if (model.graph !== undefined) for (let n = 1 + random(3); n > 0; n--) edit(model.graph, random, model);
  return toBinary(ModelProtoSchema, model);
}
