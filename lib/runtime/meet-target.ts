/** Quantizes again, with the worst layers spared, until the model is good enough. */
import { dsnkError, spelled } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import type { Product } from '../quantize/islands.js';
import type { OutputReport } from '../quantize/report.js';
import type { QuantizeTarget } from './quantize-options.js';
import { InferenceSession } from './session.js';
import type { SessionOptions } from './session-options.js';

export interface TargetPlan {
  readonly target: QuantizeTarget | undefined;
  /** Of the float model, where the target has a metric. */
  readonly metricBefore: number | undefined;
  readonly options: SessionOptions;
}

/** One way to quantize the model, written and measured. */
interface Attempt {
  readonly graph: Graph;
  readonly outputs: readonly OutputReport[];
}

export interface Met<A> {
  readonly attempt: A;
  readonly met: boolean;
  readonly metricAfter: number | undefined;
}

/** What a model achieves in the target's metric; undefined where it has none. */
export async function metricOf(target: QuantizeTarget | undefined, graph: Graph, options: SessionOptions): Promise<number | undefined> {
  if (target?.metric === undefined) return undefined;
  await using session = await InferenceSession.fromGraph(graph, options);
  const metric: unknown = await target.metric(session);
  if (typeof metric !== 'number' || Number.isNaN(metric))
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'quantize options', 'target.metric must return a number', `${spelled(metric)} came`);
  return metric;
}

/** Whether it is good enough. */
export async function judge<A extends Attempt>({ target, metricBefore, options }: TargetPlan, attempt: A): Promise<Met<A>> {
  const least = Math.min(...attempt.outputs.map((o) => o.sqnrDb));
  const metricAfter = await metricOf(target, attempt.graph, options);
  const drop = metricBefore === undefined || metricAfter === undefined ? 0 : metricBefore - metricAfter;
  return { attempt, met: (target?.sqnr === undefined || least >= target.sqnr) && drop <= (target?.maxDrop ?? 0), metricAfter };
}

/** Spares no layer first; then, where the target is not met, the 1, 2, 4, … first ones of `worst`, at last all of it. */
export async function meetTarget<A extends Attempt>(
  plan: TargetPlan,
  make: (spared: ReadonlySet<Product>) => Promise<A>,
  worst: (whole: A) => readonly Product[],
): Promise<Met<A>> {
  const whole = await make(new Set());
  let result = await judge(plan, whole);
  const order = result.met ? [] : worst(whole);
  for (let count = 1; !result.met && count < 2 * order.length; count *= 2) result = await judge(plan, await make(new Set(order.slice(0, count))));
  return result;
}
