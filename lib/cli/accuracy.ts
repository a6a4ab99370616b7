/** `--accuracy`: the outputs of a session beside those of one in float32, on the same inputs. */
import type { Tensor } from 'onnxruntime-common';
import { compareOutputs, type OutputAccuracy } from '../runtime/accuracy.js';
import { InferenceSession } from '../runtime/session.js';
import { type SessionFlags, sessionOptions } from './options.js';
import { columns } from './output.js';

/** Runs the model once more in float32, with the session's other flags. */
export async function accuracyOf(
  model: string,
  flags: SessionFlags,
  feeds: Record<string, Tensor>,
  outputs: Record<string, Tensor>,
): Promise<OutputAccuracy[]> {
  await using reference = await InferenceSession.create(model, { ...sessionOptions(model, { ...flags, tune: undefined }), precision: 'f32' });
  return compareOutputs(await reference.run(feeds), outputs);
}

export function printAccuracy(list: readonly OutputAccuracy[]): void {
  const percent = (x: number) => `${(100 * x).toPrecision(3)}%`;
  const cells = list.map((a) => [
    a.name,
    String(a.elements),
    percent(a.maxError),
    percent(a.meanError),
    Number.isFinite(a.sqnrDb) ? a.sqnrDb.toFixed(1) : 'equal',
    a.sameLargest ? 'yes' : 'no',
  ]);
  console.log(columns([['against float32', 'elements', 'max error', 'mean error', 'SQNR dB', 'same largest'], ...cells]));
}
