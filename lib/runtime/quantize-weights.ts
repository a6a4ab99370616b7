/** Integers for the weights of all products: the elements are looked at by sessions on constants, the scales are chosen here. */
import { Constant } from '../graph/graph.js';
import { decibels } from '../quantize/compare.js';
import type { Product } from '../quantize/islands.js';
import { type Algorithm, coveringScales, errorGraph, fitBias, integerGraph, type QuantizedWeight, SHRINKS, type WeightScales } from '../quantize/weights.js';
import { Tensor } from '../tensor.js';
import { InferenceSession } from './session.js';
import { runConstants, surveyWeights, type WeightSurvey } from './survey.js';

export interface WeightPlan {
  readonly perChannel: boolean;
  readonly algorithm: Algorithm;
  readonly inputScale: (p: Product) => number;
  readonly onProgress: (done: number, total: number) => void;
}

export async function quantizeWeights(products: readonly Product[], plan: WeightPlan): Promise<Map<Product, QuantizedWeight>> {
  const survey = await surveyWeights(products);
  const list = products.map((product, i): WeightScales => {
    const { maxima } = survey[i] as WeightSurvey;
    return { product, perChannel: plan.perChannel, scales: coveringScales(maxima, plan.perChannel) };
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
    const { maxima, bias } = survey[i] as WeightSurvey;
    return bias === undefined ? [] : fitBias(scales, maxima, bias, plan.inputScale(product));
  });

  const integers = await runConstants(integerGraph(list).graph);
  await using final = await InferenceSession.fromGraph(errorGraph(list).graph);
  const left = await final.run({ shrink: new Tensor('float32', Float32Array.of(1), []) });
  return new Map(
    list.map((s, i) => {
      const data = integers[`q:${i}`]?.data as Int8Array;
      const constant = new Constant('int8', s.product.weight.constant?.dims ?? [], () => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      const noise = [...(left[`error:${i}`] as { data: Float32Array }).data].reduce((a, b) => a + b, 0);
      return [s.product, { ...s, constant, sqnrDb: decibels((survey[i] as WeightSurvey).energy, noise), notes: notes[i] ?? [] }];
    }),
  );
}
