/** `compress`: stages, each of which makes a smaller model of the one before and reports what that cost. */
import { dsnkError, spelled } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import type { AxisReport } from '../quantize/report.js';

export type ModelSource = string | URL | Uint8Array | ArrayBufferLike | Graph;

export interface StageResult<Report = StageReport> {
  /** A standard ONNX file. */
  readonly bytes: Uint8Array;
  readonly graph: Graph;
  readonly report: Report;
}

/** What the reports of all stages have. */
export interface StageReport {
  readonly axes: readonly AxisReport[];
  readonly notes: readonly string[];
}

/** `prune(options)`, `quantize(options)`, or a function of yours. */
export type Stage<Report extends StageReport = StageReport> = (model: ModelSource) => Promise<StageResult<Report>>;

export interface CompressedModel<Stages extends readonly Stage[]> {
  /** Of the last stage. */
  readonly bytes: Uint8Array;
  readonly graph: Graph;
  /** One per stage; each compares with the model that it was given. */
  readonly reports: { readonly [I in keyof Stages]: Awaited<ReturnType<Stages[I]>>['report'] };
}

/** Runs the stages one after the other: `compress(model, [prune({ pattern: '2:4', calibration }), quantize({ calibration })])`. */
export async function compress<const Stages extends readonly Stage[]>(model: ModelSource, stages: Stages): Promise<CompressedModel<Stages>> {
  const bad = (came: string) =>
    dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'compress', 'stages must be a list of prune(options), quantize(options) or functions of yours', came);
  if (!Array.isArray(stages) || stages.length === 0) throw bad(`${spelled(stages)} came`);
  for (const stage of stages) if (typeof stage !== 'function') throw bad(`${spelled(stage)} came in it`);
  const reports: StageReport[] = [];
  let result: StageResult | undefined;
  for (const stage of stages as readonly Stage[]) {
    result = await stage(result?.bytes ?? model);
    if (!(result?.bytes instanceof Uint8Array) || typeof result.report !== 'object' || result.report === null) {
      const came = typeof result === 'object' && result !== null ? `an object with ${Object.keys(result).join(', ') || 'nothing'}` : spelled(result);
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `compress: stage ${reports.length + 1}`, 'it must give a model as bytes, graph and report', `${came} came`);
    }
    reports.push(result.report);
  }
  const { bytes, graph } = result as StageResult;
  return { bytes, graph, reports: reports as never };
}
