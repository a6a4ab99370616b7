/**
 * Quantized blocks of GGUF files as graphs: bytes in, codes with a scale and a minimum per group out. Written on rows, so the same nodes
 * open all rows of a weight while a program is loaded and the rows of an embedding that a call asks for. value = scale·(code - zero) - minimum.
 */
import { dtypes } from '../dtype.js';
import type { Emitter } from '../graph/emitter.js';
import type { Value } from '../graph/graph.js';

/** Values that the nodes of a format make of blocks [..., blocks, bytes]; `groups` of a row have one scale each. */
interface Opened {
  /** uint8 [..., groups, group]. */
  readonly codes: Value;
  /** float32 [..., groups, 1]. */
  readonly scale: Value;
  /** float32 [..., groups, 1], where the format has one. */
  readonly minimum?: Value;
}

export interface BlockFormat {
  readonly name: string;
  /** Elements of a block, and its bytes. */
  readonly elements: number;
  readonly bytes: number;
  /** Elements that share a scale. */
  readonly group: number;
  /** Bits that a code takes in memory, and what it stands around. */
  readonly bits: 4 | 8;
  readonly zero: number;
  /** `lead` are the dimensions before the blocks, as Reshape takes them; then come `count` blocks. */
  open(g: Emitter, blocks: Value, lead: readonly number[], count: number): Opened;
}

const { float32, uint16, float16, int8 } = dtypes;

/** float16 out of two bytes of each block: [..., 2] to float32 [..., 1]. */
function half(g: Emitter, blocks: Value, at: number): Value {
  const byte = (i: number) => g.op('Cast', [g.slice(blocks, at + i, at + i + 1)], { to: uint16.onnx });
  const shift = (x: Value, by: number) => g.op('BitShift', [x, g.op('Cast', [g.bytes(by)], { to: uint16.onnx })], { direction: 'LEFT' });
  const word = g.op('BitwiseOr', [byte(0), shift(byte(1), 8)]);
  return g.op('Cast', [g.op('BitCast', [word], { to: float16.onnx })], { to: float32.onnx });
}

const low = (g: Emitter, x: Value, mask: number) => g.op('BitwiseAnd', [x, g.bytes(mask)]);
const right = (g: Emitter, x: Value, by: number) => g.op('BitShift', [x, g.bytes(by)], { direction: 'RIGHT' });
const left = (g: Emitter, x: Value, by: number) => g.op('BitShift', [x, g.bytes(by)], { direction: 'LEFT' });
const or = (g: Emitter, a: Value, b: Value) => g.op('BitwiseOr', [a, b]);
const join = (g: Emitter, axis: number, ...parts: Value[]) => g.op('Concat', parts, { axis });
const toFloat = (g: Emitter, x: Value) => g.op('Cast', [x], { to: float32.onnx });
/** int8 as codes around 128. */
const aroundMiddle = (g: Emitter, x: Value) => g.op('BitwiseXor', [x, g.bytes(128)]);

/** 32 weights: float16 scale, 32 int8. */
const q8: BlockFormat = {
  name: 'Q8_0',
  elements: 32,
  bytes: 34,
  group: 32,
  bits: 8,
  zero: 128,
  open: (g, blocks) => ({ codes: aroundMiddle(g, g.slice(blocks, 2, 34)), scale: half(g, blocks, 0) }),
};

/** 32 weights: float16 scale; 16 bytes, the low halves are the first 16 weights. */
const q4: BlockFormat = {
  name: 'Q4_0',
  elements: 32,
  bytes: 18,
  group: 32,
  bits: 4,
  zero: 8,
  open(g, blocks) {
    const pairs = g.slice(blocks, 2, 18);
    return { codes: join(g, -1, low(g, pairs, 15), right(g, pairs, 4)), scale: half(g, blocks, 0) };
  },
};

/**
 * 256 weights in 8 groups: float16 scales of the scales and of the minima; 12 bytes with 6 bits of each; 128 bytes, 32 for two groups, the low halves
 * are the first.
 */
const q4k: BlockFormat = {
  name: 'Q4_K',
  elements: 256,
  bytes: 144,
  group: 32,
  bits: 4,
  zero: 0,
  open(g, blocks, lead, count) {
    const [first, second, mixed] = [g.slice(blocks, 4, 8), g.slice(blocks, 8, 12), g.slice(blocks, 12, 16)];
    // Groups 4 to 7: four bits of `mixed`, and the two upper ones of an earlier byte.
    const upper = (x: Value) => left(g, right(g, x, 6), 4);
    const scales = join(g, -1, low(g, first, 63), or(g, low(g, mixed, 15), upper(first)));
    const minima = join(g, -1, low(g, second, 63), or(g, right(g, mixed, 4), upper(second)));
    const each = (x: Value, by: Value) => g.reshape(g.op('Mul', [toFloat(g, x), by]), ...lead, 8 * count, 1);
    const pairs = g.reshape(g.slice(blocks, 16, 144), ...lead, 4 * count, 1, 32);
    const codes = g.reshape(join(g, -2, low(g, pairs, 15), right(g, pairs, 4)), ...lead, 8 * count, 32);
    return { codes, scale: each(scales, half(g, blocks, 0)), minimum: each(minima, half(g, blocks, 2)) };
  },
};

/**
 * 256 weights in 16 groups: 128 bytes with the lower four bits, 64 with the upper two, 16 int8 scales, a float16 scale of these. Each half of
 * the block has 64 and 32 of the bytes: weights l, 32 + l, 64 + l, 96 + l are the low halves of bytes l and 32 + l, then their high halves.
 */
const q6k: BlockFormat = {
  name: 'Q6_K',
  elements: 256,
  bytes: 210,
  group: 16,
  bits: 8,
  zero: 128,
  open(g, blocks, lead, count) {
    const lower = g.reshape(g.slice(blocks, 0, 128), ...lead, 2 * count, 1, 64);
    const four = join(g, -2, low(g, lower, 15), right(g, lower, 4));
    const upper = g.reshape(g.slice(blocks, 128, 192), ...lead, 2 * count, 1, 32);
    const two = join(g, -2, ...[0, 2, 4, 6].map((by) => left(g, low(g, by === 0 ? upper : right(g, upper, by), 3), 4)));
    const codes = or(g, g.reshape(four, ...lead, 16 * count, 16), g.reshape(two, ...lead, 16 * count, 16));
    const scales = toFloat(g, g.op('BitCast', [g.slice(blocks, 192, 208)], { to: int8.onnx }));
    return {
      // Around 32 in the file.
      codes: g.op('Add', [codes, g.bytes(96)]),
      scale: g.reshape(g.op('Mul', [scales, half(g, blocks, 208)]), ...lead, 16 * count, 1),
    };
  },
};

export const blockFormats: readonly BlockFormat[] = [q8, q4, q4k, q6k];

/** The numbers of blocks [..., blocks, bytes] as float32 [..., k]. `lead` as Reshape takes it: with one -1 where it is not known, so the other dimensions are numbers. */
export function openBlocks(g: Emitter, format: BlockFormat, blocks: Value, lead: readonly number[], k: number): Value {
  const { codes, scale, minimum } = format.open(g, blocks, lead, k / format.elements);
  const centred = format.zero === 0 ? toFloat(g, codes) : g.op('Sub', [toFloat(g, codes), g.float(format.zero)]);
  const scaled = g.op('Mul', [centred, scale]);
  return g.reshape(minimum === undefined ? scaled : g.op('Sub', [scaled, minimum]), ...lead, k);
}

/** x·wᵀ from blocks [n, blocks, bytes] that stay in their bits. */
export function multiplyBlocks(g: Emitter, format: BlockFormat, x: Value, blocks: Value, [n, k]: readonly [number, number], name: string): Value {
  const { codes, scale, minimum } = format.open(g, blocks, [n], k / format.elements);
  const groups = k / format.group;
  const packed = format.bits === 8 ? codes : g.op('PackBits', [g.reshape(codes, n, k)], { bits: 4 }, undefined, 'dsnk');
  // Where a group has no scale its minimum must still come out: one that is small beside it.
  const least = minimum && g.op('Max', [scale, g.op('Mul', [g.op('Abs', [minimum]), g.float(2 ** -14)]), g.float(2 ** -120)]);
  const inputs = [x, packed, g.reshape(least ?? scale, n, groups), minimum && least && g.reshape(g.op('Div', [minimum, least]), n, groups)];
  while (inputs.at(-1) === undefined) inputs.pop();
  const attrs = { K: k, N: n, bits: format.bits, block_size: format.group, accuracy_level: 4 };
  return g.op('MatMulNBits', inputs, attrs, name, 'com.microsoft');
}
