/** What constants are like: sessions without inputs. */
import { dsnkError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import type { Product } from '../quantize/islands.js';
import { surveyGraph } from '../quantize/weights.js';
import { InferenceSession } from './session.js';

/** The outputs of a graph without inputs. */
export async function runConstants(graph: Graph): Promise<Record<string, { readonly data: unknown; readonly dims: readonly number[] }>> {
  await using session = await InferenceSession.fromGraph(graph);
  return session.run({});
}

export interface WeightSurvey {
  /** The largest magnitude of each channel. */
  readonly maxima: Float32Array;
  /** Sum of squares. */
  readonly energy: number;
  /** Of each channel, where the product has one. */
  readonly bias: readonly number[] | undefined;
}

/** In the order of the products. Error ERR_DSNK_INVALID_MODEL, which names the layer, for NaN and infinities in weights and biases. */
export async function surveyWeights(products: readonly Product[]): Promise<WeightSurvey[]> {
  const survey = await runConstants(surveyGraph(products).graph);
  const numbers = (name: string) => survey[name]?.data as Float32Array;
  return products.map((product, i) => {
    const invalid = (mustHold: string, came: string) => dsnkError('ERR_DSNK_INVALID_MODEL', product.node.where, mustHold, came);
    const bad = unfinished(numbers(`extremes:${i}`));
    if (bad > 0) throw invalid('weights must be finite', `${bad} NaN or infinite elements came in "${product.weight.name}"`);
    const bias = product.bias?.constant?.values();
    if (bias?.some((b) => !Number.isFinite(b))) throw invalid('bias must be finite', `NaN or infinite elements came in "${product.bias?.name}"`);
    return { maxima: numbers(`max:${i}`), energy: numbers(`energy:${i}`)[0] as number, bias };
  });
}

/** How many elements are not finite: the third number of each part of a Histogram's extremes. */
function unfinished(parts: Float32Array): number {
  let count = 0;
  for (let i = 2; i < parts.length; i += 3) count += parts[i] as number;
  return count;
}
