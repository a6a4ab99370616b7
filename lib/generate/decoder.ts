/**
 * A decoder as a graph: one call reads rows of tokens, appends their keys and values to the caches it keeps, and says what may follow the last.
 *
 *     tokens int64 [batch, rows], lengths int32 [batch] (tokens held before), last int64 [batch, 1] (the row that is asked what
 *     follows it)  →  logits float32 [batch, vocabulary]
 *     states: for each layer keys and values [batch, keyHeads, capacity, headWidth], in int8 with scales [batch, keyHeads, capacity]
 *
 * Rows behind the last one are padding: nobody sees them, and later calls write over what they leave in the caches.
 */
import { dtypes } from '../dtype.js';
import { Emitter } from '../graph/emitter.js';
import { Graph, type Value } from '../graph/graph.js';
import { openBlocks } from './blocks.js';
import { multiply, type ProductOptions } from './product.js';
import type { StoredTensor, WeightRole, Weights } from './tensors.js';

/** Positions as angles; undefined in a decoder whose positions are learned vectors. */
export interface Rotation {
  /** Radians of a step, one for each pair of elements. */
  readonly frequencies: Float32Array;
  /** Pairs (2i, 2i + 1), or else (i, i + half). */
  readonly interleaved: boolean;
  /** Of cosines and sines; default 1. */
  readonly scale?: number;
}

/** What a decoder is, whichever file it came from. */
export interface DecoderShape {
  readonly architecture: string;
  readonly vocabulary: number;
  readonly width: number;
  /** Of the feed-forward part. */
  readonly hidden: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly headWidth: number;
  /** For each layer the tokens that it looks back on, 0 for all. */
  readonly windows: readonly number[];
  /** Tokens that it was trained on at most. */
  readonly context: number;
  readonly epsilon: number;
  readonly rotation: Rotation | undefined;
  /** Root mean square and a gated feed-forward part; or as GPT-2 has them, mean and variance and one with Gelu. */
  readonly gated: boolean;
}

export interface DecoderOptions extends ProductOptions {
  /** Texts that are read at the same time. */
  readonly batch: number;
  /** Tokens that the caches hold of each. */
  readonly capacity: number;
  readonly cache: CacheType;
}

/** What keys and values are kept in; int8 has a scale for each token and head. */
export const cacheTypes = ['float32', 'float16', 'int8'] as const;
export type CacheType = (typeof cacheTypes)[number];

/** Bytes of the caches. */
export function cacheBytes(
  { windows, keyHeads, headWidth }: DecoderShape,
  { batch, capacity, cache }: Pick<DecoderOptions, 'batch' | 'capacity' | 'cache'>,
): number {
  const token = (headWidth * dtypes[cache].bits) / 8 + (cache === 'int8' ? 4 : 0);
  return 2 * batch * windows.length * keyHeads * capacity * token;
}

export function decoderGraph(shape: DecoderShape, weights: Weights, options: DecoderOptions): Graph {
  const graph = new Graph(weights.model);
  const g = new Emitter(graph);
  const tokens = graph.addInput('tokens', 'int64', [options.batch, 'rows']);
  const lengths = graph.addInput('lengths', 'int32', [options.batch]);
  const asked = graph.addInput('last', 'int64', [options.batch, 1]);
  const layer = new Layers(g, shape, weights, options, lengths, positionsOf(g, tokens, lengths));
  let x = layer.embed(tokens);
  for (let i = 0; i < shape.windows.length; i++) x = layer.apply(x, i);
  const last = g.op('GatherND', [x, asked], { batch_dims: 1 });
  const logits = layer.head(layer.norm(last, 'finalNorm', undefined, shape.width));
  logits.name = 'logits';
  graph.outputs.push(logits);
  return graph;
}

/** int64 [batch, rows]: lengths, lengths + 1, … */
function positionsOf(g: Emitter, tokens: Value, lengths: Value): Value {
  const rows = g.op('Squeeze', [g.op('Shape', [tokens], { start: 1, end: 2 }), g.ints(0)]);
  const steps = g.op('Range', [g.int(0), rows, g.int(1)]);
  const start = g.op('Unsqueeze', [g.op('Cast', [lengths], { to: dtypes.int64.onnx }), g.ints(1)]);
  return g.op('Add', [start, steps], {}, 'positions');
}

class Layers {
  readonly #angles: readonly [Value, Value] | undefined;

  constructor(
    readonly g: Emitter,
    readonly shape: DecoderShape,
    readonly weights: Weights,
    readonly options: DecoderOptions,
    readonly lengths: Value,
    readonly positions: Value,
  ) {
    this.#angles = shape.rotation && this.#tables(shape.rotation);
  }

  /** Cosines and sines [capacity, pairs], which the program computes when it is loaded. */
  #tables({ frequencies, scale = 1 }: Rotation): readonly [Value, Value] {
    const { g } = this;
    const steps = g.op('Range', [g.float(0), g.float(this.options.capacity), g.float(1)]);
    const angles = g.op('Mul', [g.reshape(steps, -1, 1), g.floats(frequencies)]);
    const scaled = (x: Value) => (scale === 1 ? x : g.op('Mul', [x, g.float(scale)]));
    return [scaled(g.op('Cos', [angles], {}, 'cosines')), scaled(g.op('Sin', [angles], {}, 'sines'))];
  }

  #vector(role: WeightRole, layer: number | undefined, size: number, part = 'weight'): Value {
    const { constant } = this.weights.get(role, layer, [size], part);
    return this.g.float32(this.g.constant(constant), constant.dtype);
  }

  /** Rows of a table, converted once they are taken out of it. */
  #rows(t: StoredTensor, indices: Value): Value {
    const { g } = this;
    const rows = g.op('Gather', [g.constant(t.constant), indices], { axis: 0 });
    if (t.block !== undefined) return openBlocks(g, t.block, rows, [this.options.batch, -1], t.dims[1] as number);
    return g.float32(rows, t.constant.dtype);
  }

  embed(tokens: Value): Value {
    const { shape, weights, g } = this;
    const x = this.#rows(weights.get('embedding', undefined, [shape.vocabulary, shape.width]), tokens);
    if (shape.rotation !== undefined) return x;
    return g.op('Add', [x, this.#rows(weights.get('positions', undefined, [shape.context, shape.width]), this.positions)]);
  }

  norm(x: Value, role: WeightRole, layer: number | undefined, size: number): Value {
    const { g, shape } = this;
    const name = `${role}${layer ?? ''}`;
    const attrs = { axis: -1, epsilon: shape.epsilon };
    const scale = this.#vector(role, layer, size);
    if (shape.gated) return g.op('RMSNormalization', [x, scale], attrs, name);
    return g.op('LayerNormalization', [x, scale, this.#vector(role, layer, size, 'bias')], attrs, name);
  }

  /** x·wᵀ, plus the bias where the file has one. */
  product(x: Value, role: WeightRole, layer: number | undefined, inputs: number, outputs: number): Value {
    const { g, weights, options } = this;
    const turned = weights.inputsFirst && layer !== undefined;
    const weight = weights.get(role, layer, turned ? [inputs, outputs] : [outputs, inputs]);
    const y = multiply(g, x, weight, { inputs, outputs, turned, name: `${role}${layer ?? ''}` }, options);
    return layer !== undefined && weights.has(role, layer, 'bias') ? g.op('Add', [y, this.#vector(role, layer, outputs, 'bias')]) : y;
  }

  apply(x: Value, layer: number): Value {
    const { g, shape } = this;
    const attended = g.op('Add', [x, this.#attention(this.norm(x, 'attentionNorm', layer, shape.width), layer)]);
    return g.op('Add', [attended, this.#feedForward(this.norm(attended, 'feedNorm', layer, shape.width), layer)]);
  }

  #feedForward(x: Value, layer: number): Value {
    const { g, shape } = this;
    const up = this.product(x, 'up', layer, shape.width, shape.hidden);
    const inner = shape.gated
      ? g.op('Mul', [g.op('Swish', [this.product(x, 'gate', layer, shape.width, shape.hidden)]), up])
      : g.op('Gelu', [up], { approximate: 'tanh' });
    return this.product(inner, 'down', layer, shape.hidden, shape.width);
  }

  #projections(x: Value, layer: number): readonly [Value, Value, Value] {
    const { shape, weights, g } = this;
    const [wide, narrow] = [shape.heads * shape.headWidth, shape.keyHeads * shape.headWidth];
    if (weights.has('queryKeyValue', layer)) {
      const all = this.product(x, 'queryKeyValue', layer, shape.width, wide + 2 * narrow);
      return g.ops('Split', [all, g.ints(wide, narrow, narrow)], 3, { axis: -1 }) as readonly [Value, Value, Value];
    }
    const of = (role: WeightRole, width: number) => this.product(x, role, layer, shape.width, width);
    return [of('query', wide), of('key', narrow), of('value', narrow)];
  }

  /** Norm of each head where the file has one, then the turn by its position. */
  #positioned(x: Value, role: 'queryNorm' | 'keyNorm', layer: number, heads: number): Value {
    const { g, shape, weights, options } = this;
    let y = x;
    if (weights.has(role, layer)) {
      const split = g.reshape(y, options.batch, -1, heads, shape.headWidth);
      y = g.reshape(this.norm(split, role, layer, shape.headWidth), options.batch, -1, heads * shape.headWidth);
    }
    if (shape.rotation === undefined || this.#angles === undefined) return y;
    const pairs = shape.rotation.frequencies.length;
    const attrs = {
      num_heads: heads,
      interleaved: shape.rotation.interleaved ? 1 : 0,
      rotary_embedding_dim: 2 * pairs === shape.headWidth ? 0 : 2 * pairs,
    };
    return g.op('RotaryEmbedding', [y, ...this.#angles, this.positions], attrs);
  }

  #attention(x: Value, layer: number): Value {
    const { g, shape, options, lengths } = this;
    const { graph } = g;
    const dims = [options.batch, shape.keyHeads, options.capacity];
    const names = options.cache === 'int8' ? ['keys', 'values', 'keyScales', 'valueScales'] : ['keys', 'values'];
    const caches = names.map((name, i) =>
      i < 2 ? graph.addInput(`${name}${layer}`, options.cache, [...dims, shape.headWidth]) : graph.addInput(`${name}${layer}`, 'float32', dims),
    );
    const [q, k, v] = this.#projections(x, layer);
    const query = this.#positioned(q, 'queryNorm', layer, shape.heads);
    const key = this.#positioned(k, 'keyNorm', layer, shape.keyHeads);
    const append = [...caches.slice(0, 2), key, v, lengths, ...caches.slice(2)];
    const present = g.ops('CacheAppend', append, caches.length, {}, 'dsnk');
    present.forEach((value, i) => {
      value.name = `next ${names[i]}${layer}`;
      graph.states.push({ output: graph.outputs.push(value) - 1, input: graph.inputs.indexOf(caches[i] as Value) });
    });
    const attrs = { scale: 1 / Math.sqrt(shape.headWidth), causal: 1, window: shape.windows[layer] as number };
    const y = g.op('CachedAttention', [query, ...present.slice(0, 2), lengths, ...present.slice(2)], attrs, `attention${layer}`, 'dsnk');
    return this.product(y, 'attentionOutput', layer, shape.heads * shape.headWidth, shape.width);
  }

  /** Scores of all tokens; the embedding's own vectors where the file has no others. */
  head(x: Value): Value {
    const { weights, shape } = this;
    return this.product(x, weights.has('head') ? 'head' : 'embedding', undefined, shape.width, shape.vocabulary);
  }
}
