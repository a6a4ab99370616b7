/** Feeds from files: pictures, .npy, raw bytes, seeded noise. */
import { readFileSync } from 'node:fs';
import type { Tensor } from 'onnxruntime-common';
import { byteSize, isFloat } from '../dtype.js';
import { DsnkError, dsnkError } from '../errors.js';
import { elementCount } from '../graph/dim.js';
import type { InferenceSession, TensorMetadata } from '../runtime/session.js';
import { allocate, type HostTensor, toTensor } from '../tensor.js';
import { readNpy } from './npy.js';

/** How pictures become tensors; a model may carry its own under the metadata key `dsnk.preprocess`. */
export interface Preprocess {
  /** Short side after resizing, relative to the crop. */
  readonly resizeRatio: number;
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export const imagenet: Preprocess = { resizeRatio: 256 / 224, scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

interface Picture {
  resize(options: object): Picture;
  removeAlpha(): Picture;
  grayscale(): Picture;
  raw(): { toBuffer(options: { resolveWithObject: true }): Promise<{ data: Buffer; info: { width: number; height: number; channels: number } }> };
}

async function openPicture(path: string): Promise<Picture> {
  let sharp: (file: string) => Picture;
  try {
    // An optional peer: the name is a variable so that the compiler does not ask for it.
    const name = 'sharp';
    sharp = ((await import(name)) as { default: typeof sharp }).default;
  } catch (cause) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--image', 'the package sharp must be installed to decode pictures: run `npm i sharp`', undefined, cause);
  }
  try {
    return sharp(path);
  } catch (cause) {
    throw notReadable(path, cause as Error);
  }
}

function notReadable(path: string, cause: Error): Error {
  return dsnkError('ERR_DSNK_INVALID_ARGUMENT', `--image ${path}`, 'must be a picture that sharp can read', cause.message, cause);
}

/** The input that takes a picture: [N, 1 or 3, H, W] float32. */
export function imageInput(session: InferenceSession): TensorMetadata {
  const found = session.inputMetadata.find((m) => m.type === 'float32' && m.shape.length === 4 && (m.shape[1] === 3 || m.shape[1] === 1));
  if (found === undefined) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--image', 'model must have a float32 input [N, 3 or 1, H, W]', 'it has none');
  return found;
}

/** Short side resized, centre cropped to the input's height and width (where symbolic: `--dim name=n`, else 224), normalized, planar. */
export async function imageTensor(path: string, input: TensorMetadata, dims: ReadonlyMap<string, number>, p: Preprocess): Promise<Tensor> {
  const channels = input.shape[1] as number;
  const [height, width] = input.shape.slice(2).map((d) => (typeof d === 'number' ? d : (dims.get(d) ?? 224))) as [number, number];
  let picture = (await openPicture(path))
    .resize({ width: Math.round(width * p.resizeRatio), height: Math.round(height * p.resizeRatio), fit: 'outside' })
    .removeAlpha();
  if (channels === 1) picture = picture.grayscale();
  const { data, info } = await picture
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((cause: Error) => {
      throw notReadable(path, cause);
    });
  const [left, top] = [Math.floor((info.width - width) / 2), Math.floor((info.height - height) / 2)];
  const out = new Float32Array(channels * height * width);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const pixel = data[((y + top) * info.width + x + left) * info.channels + c] as number;
        out[(c * height + y) * width + x] = (pixel * p.scale - (p.mean[c] ?? 0)) / (p.std[c] ?? 1);
      }
    }
  }
  return toTensor({ dtype: 'float32', dims: [1, channels, height, width], data: out });
}

/** A `--dim` that names no symbol of the inputs would change nothing. */
export function checkDims(session: InferenceSession, dims: ReadonlyMap<string, number>): void {
  const { symbols } = session;
  for (const name of dims.keys()) {
    if (symbols.includes(name)) continue;
    const must = symbols.length === 0 ? 'must be left out: the model has no symbolic dimensions' : `must name one of ${symbols.join(', ')}`;
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', '--dim', must, `"${name}" came`);
  }
}

/** A run whose refusal of shapes says which symbols no `--dim` has fixed. */
export async function sizedRun(session: InferenceSession, dims: ReadonlyMap<string, number>, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  try {
    return await session.run(feeds);
  } catch (error) {
    const open = session.symbols.filter((name) => !dims.has(name));
    const inside = error instanceof DsnkError && error.code === 'ERR_DSNK_SHAPE_MISMATCH' && !error.message.startsWith('input "');
    if (!inside || open.length === 0) throw error;
    const hint = `sizes not given were chosen by the command: fix them with ${open.map((name) => `--dim ${name}=<size>`).join(' ')}`;
    throw new DsnkError(error.code, `${error.message}\n${hint}`, { cause: error });
  }
}

/** Dimensions of an input with symbols replaced: by `--dim name=n`, else by 1. */
export function concreteDims(input: TensorMetadata, overrides: ReadonlyMap<string, number>): number[] {
  return input.shape.map((d) => (typeof d === 'number' ? d : (overrides.get(d) ?? 1)));
}

/** A file that an option names. */
export function readInput(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', option, 'must name a readable file', (cause as Error).message, cause);
  }
}

/** `name=file.npy`, `name=file.bin` (raw little-endian elements), `name=random`, `name=zeros`. */
export function fileTensor(spec: string, session: InferenceSession, overrides: ReadonlyMap<string, number>): [string, Tensor] {
  const at = spec.indexOf('=');
  const name = spec.slice(0, at);
  const source = spec.slice(at + 1);
  const input = session.inputMetadata.find((m) => m.name === name);
  if (at < 0 || input === undefined) {
    throw dsnkError(
      'ERR_DSNK_INVALID_ARGUMENT',
      '--input',
      `must be <name>=<file|random|zeros> with a name of ${session.inputNames.join(', ')}`,
      `"${spec}" came`,
    );
  }
  if (source === 'random') return [name, toTensor(randomTensor(input, overrides))];
  if (source.endsWith('.npy')) return [name, toTensor(readNpy(source, readInput('--input', source)))];
  const dims = concreteDims(input, overrides);
  const data = allocate(input.type, dims);
  if (source !== 'zeros') {
    const bytes = readInput('--input', source);
    const need = byteSize(input.type, elementCount(dims));
    if (bytes.byteLength !== need) {
      throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', `file ${source}`, `must hold ${need} bytes for [${dims.join(',')}] ${input.type}`, `${bytes.byteLength} came`);
    }
    new Uint8Array(data.buffer).set(bytes);
  }
  return [name, toTensor({ dtype: input.type, dims, data })];
}

/** Seeded noise: floats in [-1, 1), integers 0 or 1. */
export function randomTensor(input: TensorMetadata, overrides: ReadonlyMap<string, number>): HostTensor {
  const dims = concreteDims(input, overrides);
  const data = allocate(input.type, dims);
  const floating = isFloat(input.type) && (data instanceof Float32Array || data instanceof Float64Array);
  let state = 1;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(state >>> 31);
    else data[i] = floating ? state / 2 ** 31 - 1 : state >>> 31;
  }
  return { dtype: input.type, dims, data };
}
