/** The shared models and data. They are not part of the repository: where the folder is absent the tests say so and skip. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { arrayConstructor, type DType } from '../../lib/dtype.js';
import { Tensor } from '../../lib/index.js';
import { mulberry32 } from '../kernels/harness.js';

export const assets = process.env['DSNK_ASSETS'] ?? join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'shared', 'assets');
export const haveAssets = existsSync(join(assets, 'golden', 'golden.json'));
if (!haveAssets) console.warn(`skipped: tests on the shared models need ${assets} (set DSNK_ASSETS)`);

export const asset = (path: string) => join(assets, path);
export const bytesOf = (path: string) => readFileSync(asset(path));

export interface GoldenInput {
  readonly type: DType;
  readonly dims: number[];
  readonly seed: number;
  readonly lo: number;
  readonly hi: number;
}

export interface GoldenCase {
  readonly model: string;
  readonly case: number;
  readonly inputs: Record<string, GoldenInput>;
  readonly outputs: { name: string; type: DType; dims: number[]; byteLength: number }[];
  readonly file: string;
}

export function goldenCases(): GoldenCase[] {
  if (!haveAssets) return [];
  return (JSON.parse(readFileSync(asset('golden/golden.json'), 'utf8')) as { cases: GoldenCase[] }).cases;
}

/** Seeded input, as golden.json's generator line says. */
export function goldenInput(d: GoldenInput): Tensor {
  const next = mulberry32(d.seed);
  const n = d.dims.reduce((a, b) => a * b, 1);
  const data = new (arrayConstructor(d.type))(n);
  for (let i = 0; i < n; i++) {
    const v = d.lo + (d.hi - d.lo) * next();
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(Math.floor(v));
    else data[i] = d.type === 'float32' ? Math.fround(v) : Math.floor(v);
  }
  return new Tensor(d.type as 'float32', data as Float32Array, d.dims);
}

export function goldenOutputs(c: GoldenCase): Map<string, ArrayLike<number | bigint>> {
  const bytes = gunzipSync(bytesOf(`golden/${c.file}`));
  const out = new Map<string, ArrayLike<number | bigint>>();
  let at = 0;
  for (const o of c.outputs) {
    const copy = bytes.subarray(at, at + o.byteLength).slice();
    out.set(
      o.name,
      new (arrayConstructor(o.type))(
        copy.buffer,
        copy.byteOffset,
        o.dims.reduce((a, b) => a * b, 1),
      ),
    );
    at += o.byteLength;
  }
  return out;
}

/** Planar float image [1,3,H,W] from a file: short side to `resize`, centre crop to `crop`, mean and deviation of ImageNet. */
export async function imagenetInput(path: string, resize = 256, crop = 224): Promise<Tensor> {
  const { default: sharp } = await import('sharp');
  const { data: pixels, info } = await sharp(path)
    .resize({ width: resize, height: resize, fit: 'outside' })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const [left, top] = [Math.floor((info.width - crop) / 2), Math.floor((info.height - crop) / 2)];
  const mean = [0.485, 0.456, 0.406];
  const deviation = [0.229, 0.224, 0.225];
  const data = new Float32Array(3 * crop * crop);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < crop; y++) {
      for (let x = 0; x < crop; x++) {
        const v = (pixels[((y + top) * info.width + x + left) * 3 + c] as number) / 255;
        data[(c * crop + y) * crop + x] = (v - (mean[c] as number)) / (deviation[c] as number);
      }
    }
  }
  return new Tensor('float32', data, [1, 3, crop, crop]);
}

/** Mono samples of a 16-bit or float WAV file, in [-1, 1]. */
export function readWav(path: string): { sampleRate: number; samples: Float32Array } {
  const file = bytesOf(path);
  let at = 12;
  let format = 1;
  let bits = 16;
  let sampleRate = 16000;
  while (at + 8 <= file.length) {
    const id = file.toString('latin1', at, at + 4);
    const size = file.readUInt32LE(at + 4);
    const body = at + 8;
    if (id === 'fmt ') {
      format = file.readUInt16LE(body);
      sampleRate = file.readUInt32LE(body + 4);
      bits = file.readUInt16LE(body + 14);
    } else if (id === 'data') {
      const n = Math.min(size, file.length - body) / (bits / 8);
      const samples = Float32Array.from({ length: Math.floor(n) }, (_, i) =>
        format === 3 ? file.readFloatLE(body + 4 * i) : file.readInt16LE(body + 2 * i) / 32768,
      );
      return { sampleRate, samples };
    }
    at = body + size + (size & 1);
  }
  throw new Error(`${path}: no data chunk`);
}

export function argmax(values: ArrayLike<number>, from = 0, to = values.length): number {
  let best = from;
  for (let i = from; i < to; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best - from;
}
