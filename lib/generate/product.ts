/** x·wᵀ for weights as files hold them: floats, blocks that stay in their bits, or floats that few bits stand for from the load on. */
import type { Emitter } from '../graph/emitter.js';
import type { Value } from '../graph/graph.js';
import { multiplyBlocks, openBlocks } from './blocks.js';
import type { StoredTensor } from './tensors.js';

/** Weights of few bits, chosen when a model is loaded. */
export interface FewBits {
  readonly bits: 4 | 8;
  /** Inputs that share a scale. */
  readonly groupSize: 16 | 32 | 64 | 128 | 256;
  /** `rtn` covers every weight; `mse` has the least squared error of a group and takes some forty times as long to find. */
  readonly algorithm: 'rtn' | 'mse';
}

export interface ProductOptions {
  /** What becomes of weights: `float32`; as the file has them, blocks in their bits; or few bits whatever the file has. */
  readonly weights: 'float32' | 'stored' | FewBits;
}

export interface ProductSize {
  readonly inputs: number;
  readonly outputs: number;
  /** The weight stands as [inputs, outputs]. */
  readonly turned: boolean;
  readonly name: string;
}

export function multiply(g: Emitter, x: Value, weight: StoredTensor, size: ProductSize, { weights }: ProductOptions): Value {
  const { inputs, outputs, turned, name } = size;
  const { block, constant } = weight;
  if (block !== undefined && weights === 'stored') return multiplyBlocks(g, block, x, g.constant(constant), [outputs, inputs], name);
  const stored = g.constant(constant);
  const floats = block !== undefined ? openBlocks(g, block, stored, [outputs], inputs) : g.float32(stored, constant.dtype);
  if (typeof weights === 'object') return multiplyFitted(g, x, turned ? g.op('Transpose', [floats], { perm: [1, 0] }) : floats, size, weights);
  return g.op('MatMul', [x, turned ? floats : g.op('Transpose', [floats], { perm: [1, 0] })], {}, name);
}

/** The codes are fitted when a program is loaded, levels around zero. */
function multiplyFitted(g: Emitter, x: Value, weight: Value, { inputs, outputs, name }: ProductSize, { bits, groupSize, algorithm }: FewBits): Value {
  const attrs = { bits, group: groupSize, symmetric: 1, algorithm };
  const [codes, scales] = g.ops('FitWeights', [weight], 3, attrs, 'dsnk') as readonly [Value, Value];
  const rowBits = Math.ceil(inputs / groupSize) * groupSize * bits;
  const packed = g.op('PackBits', [codes], { bits, row_bits: rowBits }, undefined, 'dsnk');
  const product = { K: inputs, N: outputs, bits, block_size: groupSize, accuracy_level: 4 };
  return g.op('MatMulNBits', [x, packed, scales], product, name, 'com.microsoft');
}
