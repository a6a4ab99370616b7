/** Detectors and the upscaler of the shared models on photographs. */
import { readdirSync } from 'node:fs';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { asset, haveAssets } from './assets.js';

const data = (t: Tensor | undefined) => t?.data as Float32Array;

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

async function pixels(picture: Sharp): Promise<Pixels> {
  const { data: rgb, info } = await picture.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, rgb };
}

/** [1,3,H,W] of f(pixel value), channels in the given order. */
function planar(p: Pixels, order: readonly [number, number, number], f: (v: number) => number): Tensor {
  const area = p.width * p.height;
  const x = new Float32Array(3 * area);
  order.forEach((channel, c) => {
    for (let i = 0; i < area; i++) x[c * area + i] = f(p.rgb[i * 3 + channel] as number);
  });
  return new Tensor('float32', x, [1, 3, p.height, p.width]);
}

const RGB = [0, 1, 2] as const;
const BGR = [2, 1, 0] as const;

/** The first classes of COCO; the photographs show no others. */
const coco: Readonly<Record<number, string>> = { 0: 'person', 1: 'bicycle', 2: 'car', 7: 'truck', 16: 'dog' };

describe.skipIf(!haveAssets)('detectors', () => {
  it('yolox finds the dog, the car and the people', async () => {
    await using session = await InferenceSession.create(asset('det/yolox_nano.onnx'));
    const found = new Set<string>();
    for (const file of readdirSync(asset('data/img')).filter((f) => f.endsWith('.jpg'))) {
      const letterbox = sharp(asset(`data/img/${file}`)).resize({
        width: 416,
        height: 416,
        fit: 'contain',
        position: 'left top',
        background: { r: 114, g: 114, b: 114 },
      });
      const { output } = await session.run({ images: planar(await pixels(letterbox), BGR, (v) => v) });
      const rows = data(output);
      for (let i = 0; i < 3549; i++) {
        const row = rows.subarray(i * 85, (i + 1) * 85);
        for (let c = 0; c < 80; c++) if ((row[4] as number) * (row[5 + c] as number) > 0.5) found.add(coco[c] ?? `class ${c}`);
      }
    }
    expect([...found]).toEqual(expect.arrayContaining(['dog', 'car', 'person']));
  });

  it('RFB-320 finds faces in faces_1.jpg, inside the picture', async () => {
    await using session = await InferenceSession.create(asset('face/version-RFB-320.onnx'));
    const p = await pixels(sharp(asset('data/img/faces_1.jpg')).resize({ width: 320, height: 240, fit: 'fill' }));
    const { scores, boxes } = await session.run({ input: planar(p, RGB, (v) => (v - 127) / 128) });
    const faces = [];
    for (let i = 0; i < 4420; i++) if ((data(scores)[2 * i + 1] as number) > 0.9) faces.push(data(boxes).subarray(4 * i, 4 * i + 4));
    expect(faces.length).toBeGreaterThan(1);
    for (const [left, top, right, bottom] of faces as unknown as [number, number, number, number][]) {
      expect(left).toBeLessThan(right);
      expect(top).toBeLessThan(bottom);
      expect(Math.min(left, top)).toBeGreaterThan(-0.1);
      expect(Math.max(right, bottom)).toBeLessThan(1.1);
    }
  });

  it.each([
    ['yunet_n_640_640', 640],
    ['yunet_n_dynamic', 448],
  ])('%s finds faces at %i²', async (name, size) => {
    await using session = await InferenceSession.create(asset(`face/${name}.onnx`));
    const p = await pixels(sharp(asset('data/img/faces_1.jpg')).resize({ width: size, height: size, fit: 'contain', position: 'left top' }));
    const r = await session.run({ [session.inputNames[0] as string]: planar(p, BGR, (v) => v) });
    let best = 0;
    for (const stride of [8, 16, 32]) {
      const [cls, obj] = [data(r[`cls_${stride}`]), data(r[`obj_${stride}`])];
      for (let i = 0; i < cls.length; i++) best = Math.max(best, Math.sqrt((cls[i] as number) * (obj[i] as number)));
    }
    expect(best).toBeGreaterThan(0.8);
  });
});

describe.skipIf(!haveAssets)('super resolution', () => {
  it('restores the photograph at 29.38 dB', async () => {
    await using session = await InferenceSession.create(asset('sr/super_resolution.onnx'));
    const luma = async (picture: Sharp) => {
      const { rgb, width, height } = await pixels(picture);
      return Float32Array.from(
        { length: width * height },
        (_, i) => 0.299 * (rgb[3 * i] as number) + 0.587 * (rgb[3 * i + 1] as number) + 0.114 * (rgb[3 * i + 2] as number),
      );
    };
    const big = await sharp(asset('data/img/000000017968.jpg')).resize({ width: 672, height: 672, fit: 'cover', kernel: 'cubic' }).png().toBuffer();
    const high = await luma(sharp(big));
    const low = await luma(sharp(big).resize({ width: 224, height: 224, fit: 'fill', kernel: 'cubic' }));
    const { output } = await session.run({
      input: new Tensor(
        'float32',
        low.map((v) => v / 255),
        [1, 1, 224, 224],
      ),
    });
    let error = 0;
    data(output).forEach((v, i) => {
      error += (Math.min(255, Math.max(0, v * 255)) - (high[i] as number)) ** 2;
    });
    expect(10 * Math.log10(255 ** 2 / (error / high.length))).toBeCloseTo(29.38, 2);
  });
});
