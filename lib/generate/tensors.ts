/** Tensors as files of weights hold them, and the one place that asks a file for what a decoder needs. */
import type { DType } from '../dtype.js';
import { dsnkError, shapeText } from '../errors.js';
import type { Constant } from '../graph/graph.js';
import type { BlockFormat } from './blocks.js';

/** No tensor has more elements: products of its sizes stay exact. */
export const MAX_ELEMENTS = 2 ** 44;

/** Where a tensor of a file lies, as its header says and the parser has checked. */
export interface TensorEntry {
  readonly name: string;
  /** The outermost first. */
  readonly dims: readonly number[];
  /** Name of the type in the words of the file. */
  readonly type: string;
  /** undefined where this package does not read the type, or the elements stand in blocks. */
  readonly dtype: DType | undefined;
  readonly block?: BlockFormat;
  /** Bytes of the file, from the first to behind the last. */
  readonly begin: number;
  readonly end: number;
}

/** A tensor that can be read. */
export interface StoredTensor {
  readonly name: string;
  readonly dims: readonly number[];
  /** Its elements; of blocks their bytes, [rows, blocks of a row, bytes of a block]. */
  readonly constant: Constant;
  readonly block?: BlockFormat;
}

/** Tensors by name; undefined for what is not there. Throws ERR_DSNK_UNSUPPORTED_OP for a type that this version does not read. */
export type FindTensor = (name: string) => StoredTensor | undefined;

/** What a weight is in a decoder. Those of a layer are asked for with its number. */
export type WeightRole =
  | 'embedding'
  | 'positions'
  | 'finalNorm'
  | 'head'
  | 'attentionNorm'
  | 'query'
  | 'key'
  | 'value'
  | 'queryKeyValue'
  | 'queryNorm'
  | 'keyNorm'
  | 'attentionOutput'
  | 'feedNorm'
  | 'gate'
  | 'up'
  | 'down'
  | 'ropeFactors';

/** How a family of files names its weights; `{}` stands for the number of the layer. A role without a name is not in such files. */
export type WeightNames = Readonly<Partial<Record<WeightRole, string | undefined>>>;

/** The weights of a decoder. */
export class Weights {
  constructor(
    readonly model: string,
    readonly names: WeightNames,
    readonly find: FindTensor,
    /** Matrices stand as [inputs, outputs] where they are those of GPT-2's own files; else as [outputs, inputs]. */
    readonly inputsFirst = false,
  ) {}

  has(role: WeightRole, layer?: number, part = 'weight'): boolean {
    return this.names[role] !== undefined && this.find(this.#name(role, layer, part)) !== undefined;
  }

  /** The tensor, which must have these dimensions. */
  get(role: WeightRole, layer: number | undefined, dims: readonly number[], part = 'weight'): StoredTensor {
    const name = this.#name(role, layer, part);
    const found = this.find(name);
    const where = `model "${this.model}", tensor "${name}"`;
    if (found === undefined) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'it must be there', 'the file has none of this name');
    if (found.dims.join() !== dims.join())
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `its shape must be ${shapeText(dims)} by the model's configuration`, `it is ${shapeText(found.dims)}`);
    return found;
  }

  #name(role: WeightRole, layer: number | undefined, part: string): string {
    const stem = (this.names[role] ?? role).replace('{}', `${layer}`);
    return part === '' ? stem : `${stem}.${part}`;
  }
}

const layerNames = (layer: string) => ({
  query: `${layer}.self_attn.q_proj`,
  key: `${layer}.self_attn.k_proj`,
  value: `${layer}.self_attn.v_proj`,
  attentionOutput: `${layer}.self_attn.o_proj`,
  queryNorm: `${layer}.self_attn.q_norm`,
  keyNorm: `${layer}.self_attn.k_norm`,
  attentionNorm: `${layer}.input_layernorm`,
  feedNorm: `${layer}.post_attention_layernorm`,
  gate: `${layer}.mlp.gate_proj`,
  up: `${layer}.mlp.up_proj`,
  down: `${layer}.mlp.down_proj`,
});

/** Llama, Mistral, Qwen2 and Qwen3 in Hugging Face folders. */
export const huggingFaceNames: WeightNames = {
  embedding: 'model.embed_tokens',
  finalNorm: 'model.norm',
  head: 'lm_head',
  ...layerNames('model.layers.{}'),
};

/** GPT-2 in Hugging Face folders, where everything stands below `prefix`. */
export const gpt2Names = (prefix: string): WeightNames => ({
  embedding: `${prefix}wte`,
  positions: `${prefix}wpe`,
  finalNorm: `${prefix}ln_f`,
  head: 'lm_head',
  attentionNorm: `${prefix}h.{}.ln_1`,
  queryKeyValue: `${prefix}h.{}.attn.c_attn`,
  attentionOutput: `${prefix}h.{}.attn.c_proj`,
  feedNorm: `${prefix}h.{}.ln_2`,
  up: `${prefix}h.{}.mlp.c_fc`,
  down: `${prefix}h.{}.mlp.c_proj`,
});

/** Every architecture in GGUF files. */
export const ggufNames: WeightNames = {
  embedding: 'token_embd',
  positions: 'position_embd',
  finalNorm: 'output_norm',
  head: 'output',
  attentionNorm: 'blk.{}.attn_norm',
  query: 'blk.{}.attn_q',
  key: 'blk.{}.attn_k',
  value: 'blk.{}.attn_v',
  queryKeyValue: 'blk.{}.attn_qkv',
  queryNorm: 'blk.{}.attn_q_norm',
  keyNorm: 'blk.{}.attn_k_norm',
  attentionOutput: 'blk.{}.attn_output',
  feedNorm: 'blk.{}.ffn_norm',
  gate: 'blk.{}.ffn_gate',
  up: 'blk.{}.ffn_up',
  down: 'blk.{}.ffn_down',
  ropeFactors: 'rope_freqs',
};
