/** Calibration feeds of the command line: a folder of pictures or arrays. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from 'onnxruntime-common';
import { dsnkError } from '../errors.js';
import { feedsFrom } from '../runtime/calibrate.js';
import { InferenceSession } from '../runtime/session.js';
import type { Feeds } from '../runtime/signature.js';
import { toTensor } from '../tensor.js';
import { imageInput, imagenet, imageTensor, type Preprocess, readInput } from './inputs.js';
import { readNpy } from './npy.js';
import { parseDims } from './run.js';

export interface CalibrationOptions {
  readonly data?: string;
  readonly limit: number;
  readonly dim?: readonly string[];
  readonly preprocess?: string;
}

export interface CalibrationFolder {
  readonly total: number;
  readonly feeds: AsyncGenerator<Feeds>;
}

/** The feeds of `--data`, as the model wants them. */
export async function calibrationOf(model: string, options: CalibrationOptions): Promise<CalibrationFolder | undefined> {
  await using session = await InferenceSession.create(model);
  return options.data === undefined ? undefined : feedsOf(options.data, session, options);
}

const pictures = /\.(jpe?g|png|webp|avif|gif|tiff?)$/i;

/** One feed per picture or .npy file; for models of several inputs, one per folder that holds `<input>.npy` for each. */
function feedsOf(folder: string, session: InferenceSession, options: CalibrationOptions): CalibrationFolder {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (cause) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--data', 'must be a folder', `"${folder}" came`, cause);
  }
  const files = names.filter((n) => pictures.test(n) || n.endsWith('.npy')).slice(0, options.limit);
  const folders = names.filter((n) => statSync(join(folder, n)).isDirectory()).slice(0, options.limit);
  const chosen = files.length > 0 ? files : folders;
  if (chosen.length === 0)
    throw dsnkError(
      'ERR_DSNK_INVALID_ARGUMENT',
      '--data',
      'folder must hold pictures, .npy files, or folders of .npy files named after the inputs',
      'it has none',
    );
  if (files.length > 0 && session.inputNames.length > 1)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--data', `folder must hold one folder a feed, with ${session.inputNames.map((n) => `${n}.npy`).join(', ')}`);
  const dims = parseDims(options.dim);
  const own = options.preprocess ?? session.metadata.get('dsnk.preprocess');
  const preprocess = own === undefined ? imagenet : preprocessOf(own);
  async function* feeds(): AsyncGenerator<Feeds> {
    for (const name of chosen) {
      const path = join(folder, name);
      const feed: Record<string, Tensor> = feedsFrom(path, {});
      if (pictures.test(name)) {
        const input = imageInput(session);
        feed[input.name] = await imageTensor(path, input, dims, preprocess);
      } else if (name.endsWith('.npy')) feed[session.inputNames[0] as string] = npyTensor(path);
      else for (const input of session.inputNames) feed[input] = npyTensor(join(path, `${input}.npy`));
      yield feed;
    }
  }
  return { total: chosen.length, feeds: feeds() };
}

const npyTensor = (path: string) => toTensor(readNpy(path, readInput('--data', path)));

function preprocessOf(text: string): Preprocess {
  try {
    const given = JSON.parse(text) as Partial<Preprocess>;
    const unknown = Object.keys(given).find((name) => !Object.hasOwn(imagenet, name));
    if (unknown !== undefined) throw new Error(`"${unknown}" is none of them`);
    return { ...imagenet, ...given };
  } catch (cause) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--preprocess', 'must be JSON with resizeRatio, scale, mean, std', `"${text}" came`, cause);
  }
}

/** `/…/` is a regular expression, everything else a name. */
export function nameOrExpression(option: string, text: string): string | RegExp {
  const body = /^\/(.*)\/$/.exec(text)?.[1];
  try {
    return body === undefined ? text : new RegExp(body);
  } catch (cause) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', option, 'must be a name or a regular expression between slashes', `"${text}" came`, cause);
  }
}
