/** `inspect`: what a model is, what cannot run, and for given shapes the chosen kernels, the reasons and the memory plan. */
import { disassemble } from '../compile/program.js';
import { DsnkError } from '../errors.js';
import { isConcrete } from '../graph/dim.js';
import { printGraph } from '../graph/print.js';
import { nativeCatalogue } from '../runtime/model.js';
import { InferenceSession } from '../runtime/session.js';
import { toTensor } from '../tensor.js';
import { checkDims, randomTensor, sizedRun } from './inputs.js';
import { type SessionFlags, sessionOptions } from './options.js';
import { bytesText, columns, printJson, styled, threadsText } from './output.js';
import { parseDims } from './run.js';

export interface InspectOptions extends SessionFlags {
  readonly dim?: readonly string[];
  readonly graph?: boolean;
  readonly program?: boolean;
  readonly json?: boolean;
}

export async function inspect(model: string, options: InspectOptions): Promise<void> {
  const dims = parseDims(options.dim);
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(model, {
      freeDimensionOverrides: Object.fromEntries(dims),
      ...sessionOptions(model, options),
    });
  } catch (error) {
    if (!options.json || !(error instanceof DsnkError)) throw error;
    printJson({ model, error: { code: error.code, message: error.message } });
    process.exitCode = 1;
    return;
  }
  await using _ = session;
  checkDims(session, dims);
  // The kernels depend on the shapes: symbols that no --dim fixes are taken as 1.
  let failure: DsnkError | undefined;
  try {
    if (session.model.programs.length === 0)
      await sizedRun(session, dims, Object.fromEntries(session.inputMetadata.map((m) => [m.name, toTensor(randomTensor(m, dims))])));
  } catch (error) {
    if (!(error instanceof DsnkError)) throw error;
    failure = error;
  }
  // Inputs and operators are worth knowing where no program could be made: they say which sizes to give.
  const report = describe(model, session);
  if (options.json) printJson({ ...report, ...(failure && { error: { code: failure.code, message: failure.message } }) });
  else print(report, session, options);
  if (failure === undefined) return;
  if (!options.json) throw failure;
  process.exitCode = 1;
}

type Report = ReturnType<typeof describe>;

function describe(model: string, session: InferenceSession) {
  const { programs, ...report } = session.report();
  return { model, inputs: session.inputMetadata, outputs: session.outputMetadata, ...report, stages: programs };
}

function print(report: Report, session: InferenceSession, options: InspectOptions): void {
  const heading = (text: string) => console.log(styled('yellow', text));
  const typed = (m: { name: string; type: string; shape: readonly (number | string)[] }) => `  ${m.name}: ${m.type}[${m.shape.join(',')}]`;
  heading('inputs');
  for (const m of report.inputs) console.log(typed(m));
  heading('outputs');
  for (const m of report.outputs) console.log(typed(m));
  heading('operators (all supported)');
  console.log(
    `  ${Object.entries(report.operators)
      .map(([op, n]) => `${op} ${n}`)
      .join(', ')}`,
  );
  report.stages.forEach((stage, i) => {
    const { memory } = stage;
    heading(report.stages.length > 1 ? `stage ${i + 1}` : 'program');
    const rows = stage.kernels.map((k) => [k.kernel, k.op, k.node, `[${k.shape.join(',')}]`, k.precision, `${k.tiles}`, k.reason]);
    console.log(columns([['kernel', 'operator', 'node', 'shape', 'precision', 'tiles', 'reason'], ...rows]));
    console.log(
      [
        `arena ${bytesText(memory.arenaBytes)} (lower bound ${bytesText(memory.lowerBoundBytes)}, placed ${memory.strategy})`,
        `io ${bytesText(memory.ioBytes)}`,
        `scratch ${bytesText(memory.scratchBytes)}`,
        `weights ${bytesText(report.weightBytes)}`,
        threadsText(stage.threads),
      ].join(', '),
    );
    if (stage.onProcessor !== undefined) {
      const { calls, copiedBytes } = stage.onProcessor;
      const rest = calls === 0 ? 'all' : `all but ${calls} of ${stage.kernels.length} calls, for which ${bytesText(copiedBytes)} are copied,`;
      console.log(`${rest} on ${session.provider.device}`);
    }
    const compiled = session.model.programs[i]?.compiled;
    if (options.graph && compiled) console.log(printGraph(compiled.graph));
    if (options.program && compiled) console.log(disassemble(compiled.image, nativeCatalogue()));
  });
  if (report.stages.length > 0 && !report.inputs.every((m) => isConcrete(m.shape)))
    console.log(styled('dim', 'symbolic dimensions were taken as 1; fix them with --dim <name>=<size>'));
}
