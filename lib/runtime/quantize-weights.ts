/** Integers for the weights of all products: the elements are looked at by sessions on constants, the scales are chosen here. */
import { dsnkError } from '../errors.js';
import { Constant, type Graph } from '../graph/graph.js';
import { decibels } from '../quantize/compare.js';
import type { Product } from '../quantize/islands.js';
import {
  type Algorithm,
  coveringScales,
  errorGraph,
  fitBias,
  integerGraph,
  type QuantizedWeight,
  SHRINKS,
  surveyGraph,
  type WeightScales,
} from '../quantize/weights.js';
import { Tensor } from '../tensor.js';
import { InferenceSession } from './session.js';

/** The outputs of a graph without inputs. */
export async function runConstants(graph: Graph): Promise<Record<string, { readonly data: unknown; readonly dims: readonly number[] }>> {
  await using session = await InferenceSession.fromGraph(graph);
  return session.run({});
}

export interface WeightPlan {
  readonly perChannel: boolean;
  readonly algorithm: Algorithm;
  readonly inputScale: (p: Product) => number;
  readonly onProgress: (done: number, total: number) => void;
}

export async function quantizeWeights(products: readonly Product[], plan: WeightPlan): Promise<Map<Product, QuantizedWeight>> {
  const survey = await runConstants(surveyGraph(products).graph);
  const numbers = (name: string) => survey[name]?.data as Float32Array;
  const list = products.map((product, i): WeightScales => {
    const [, , bad = 0] = reduceExtremes(numbers(`extremes:${i}`));
    if (bad > 0)
      throw dsnkError(
        'ERR_DSNK_INVALID_MODEL',
        product.node.where,
        'weights must be finite',
        `${bad} NaN or infinite elements came in "${product.weight.name}"`,
      );
    return { product, perChannel: plan.perChannel, scales: coveringScales(numbers(`max:${i}`), plan.perChannel) };
  });

  await using errors = await InferenceSession.fromGraph(errorGraph(list).graph);
  const errorsOf = async (shrink: number) => errors.run({ shrink: new Tensor('float32', Float32Array.of(shrink), []) });
  if (plan.algorithm === 'mse') {
    const best = list.map((s) => ({
      error: new Float32Array(s.scales.length).fill(Number.POSITIVE_INFINITY),
      shrink: new Float32Array(s.scales.length).fill(1),
    }));
    for (const [done, shrink] of SHRINKS.entries()) {
      const results = await errorsOf(shrink);
      best.forEach((b, i) => {
        const error = results[`error:${i}`]?.data as Float32Array;
        for (let c = 0; c < b.error.length; c++) {
          if ((error[c] as number) < (b.error[c] as number)) [b.error[c], b.shrink[c]] = [error[c] as number, shrink];
        }
      });
      plan.onProgress(done + 1, SHRINKS.length);
    }
    list.forEach((s, i) => {
      for (let c = 0; c < s.scales.length; c++) s.scales[c] = Math.max((s.scales[c] as number) * (best[i]?.shrink[c] ?? 1), 2 ** -126);
    });
  }
  const notes = list.map(({ product, scales }, i) => {
    const bias = product.bias?.constant?.values();
    if (bias?.some((b) => !Number.isFinite(b)))
      throw dsnkError('ERR_DSNK_INVALID_MODEL', product.node.where, 'bias must be finite', `NaN or infinite elements came in "${product.bias?.name}"`);
    const changed = bias === undefined ? 0 : fitBias(scales, numbers(`max:${i}`), bias, plan.inputScale(product));
    return changed === 0
      ? []
      : [`${changed} ${changed === 1 ? 'channel has' : 'channels have'} a scale that fits the bias: the weights are small beside it, or zero`];
  });

  const integers = await runConstants(integerGraph(list).graph);
  await using final = await InferenceSession.fromGraph(errorGraph(list).graph);
  const left = await final.run({ shrink: new Tensor('float32', Float32Array.of(1), []) });
  return new Map(
    list.map((s, i) => {
      const data = integers[`q:${i}`]?.data as Int8Array;
      const constant = new Constant('int8', s.product.weight.constant?.dims ?? [], () => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      const noise = [...(left[`error:${i}`] as { data: Float32Array }).data].reduce((a, b) => a + b, 0);
      return [s.product, { ...s, constant, sqnrDb: decibels(numbers(`energy:${i}`)[0] as number, noise), notes: notes[i] ?? [] }];
    }),
  );
}

/** Least, largest, and how many are not finite, over all parts of a Histogram. */
export function reduceExtremes(parts: Float32Array): [number, number, number] {
  let [low, high, bad] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (let i = 0; i < parts.length; i += 3) {
    low = Math.min(low, parts[i] as number);
    high = Math.max(high, parts[i + 1] as number);
    bad += parts[i + 2] as number;
  }
  return [low, high, bad];
}
