/** The shared models on real data: what each is for, measured the way its users would. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { argmax, asset, bytesOf, haveAssets, imagenetInput, readWav } from './assets.js';

const data = (t: Tensor | undefined) => t?.data as Float32Array;

describe.skipIf(!haveAssets)('classifiers', () => {
  // A hoverfly sits on the daisy; the answers are those of onnxruntime-node 1.30 to the same pixels.
  it.each([
    ['daisy', 'fly'],
    ['rose', 'piggy bank'],
    ['tulip', 'pot'],
  ])('squeezenet sees in %s.jpg a %s, as the peer does', async (file, label) => {
    await using session = await InferenceSession.create(asset('cnn/squeezenet1.1.onnx'));
    const { logits } = await session.run({ data: await imagenetInput(asset(`data/img/ort_quant/${file}.jpg`)) });
    const labels = JSON.parse(readFileSync(asset('data/imagenet-simple-labels.json'), 'utf8')) as string[];
    expect(labels[argmax(data(logits))]).toBe(label);
  });

  it('mnist-8 reads 98.91 % of the test digits', async () => {
    await using session = await InferenceSession.create(asset('cnn/mnist-8.onnx'));
    const images = gunzipSync(bytesOf('data/mnist/t10k-images-idx3-ubyte.gz')).subarray(16);
    const labels = gunzipSync(bytesOf('data/mnist/t10k-labels-idx1-ubyte.gz')).subarray(8);
    let right = 0;
    for (let i = 0; i < 10000; i++) {
      const out = session.runSync({ Input3: new Tensor('float32', Float32Array.from(images.subarray(i * 784, (i + 1) * 784)), [1, 1, 28, 28]) });
      if (argmax(data(out['Plus214_Output_0'])) === labels[i]) right++;
    }
    expect(right / 100).toBeCloseTo(98.91, 2);
  });

  it.each([
    ['resnet20', 90.35],
    ['resnet56', 91.2],
  ])('%s on CIFAR-10 dev2000: %f %%', async (name, accuracy) => {
    await using session = await InferenceSession.create(asset(`cifar/${name}_cifar10.onnx`));
    const pixels = bytesOf('data/cifar10/dev2000_images_rgb_hwc_u8.bin');
    const labels = bytesOf('data/cifar10/dev2000_labels_u8.bin');
    const mean = [0.485, 0.456, 0.406];
    const deviation = [0.229, 0.224, 0.225];
    const batch = session.inputMetadata[0]?.shape[0] === 1 ? 1 : 50;
    let right = 0;
    for (let from = 0; from < 2000; from += batch) {
      const x = new Float32Array(batch * 3072);
      for (let b = 0; b < batch; b++) {
        for (let c = 0; c < 3; c++) {
          for (let p = 0; p < 1024; p++) {
            x[b * 3072 + c * 1024 + p] = ((pixels[(from + b) * 3072 + p * 3 + c] as number) / 255 - (mean[c] as number)) / (deviation[c] as number);
          }
        }
      }
      const { logits } = session.runSync({ input: new Tensor('float32', x, [batch, 3, 32, 32]) });
      for (let b = 0; b < batch; b++) if (argmax(data(logits), b * 10, b * 10 + 10) === labels[from + b]) right++;
    }
    expect(right / 20).toBeCloseTo(accuracy, 2);
  });
});

describe.skipIf(!haveAssets)('speech', () => {
  it.each(['fed', 'kept by the session'])('silero finds voice in 233 of 343 frames of jfk.wav, its state %s', async (way) => {
    await using session = await InferenceSession.create(asset('speech/silero_vad_16k_op15.onnx'), { freeDimensionOverrides: { batch: 1 } });
    const { samples } = readWav('data/wav/jfk.wav');
    const fed = way === 'fed';
    let state = new Tensor('float32', new Float32Array(2 * 128), [2, 1, 128]);
    if (!fed) session.bindState('stateN', 'state');
    const sr = new Tensor('int64', BigInt64Array.of(16000n), []);
    let [voiced, frames] = [0, 0];
    const window = new Float32Array(576);
    for (let at = 0; at + 512 <= samples.length; at += 512) {
      window.copyWithin(0, 512);
      window.set(samples.subarray(at, at + 512), 64);
      const out = await session.run({ input: new Tensor('float32', window.slice(), [1, 576]), sr, ...(fed && { state }) });
      if (fed) state = out['stateN'] as typeof state;
      frames++;
      if ((data(out['output'])[0] as number) > 0.5) voiced++;
    }
    expect([voiced, frames]).toEqual([233, 343]);
  });

  it('gtcrn enhances the stream to ≥ 55 dB of the reference', async () => {
    await using session = await InferenceSession.create(asset('speech/gtcrn_simple.onnx'));
    const mix = readWav('data/wav/gtcrn_mix.wav').samples;
    const reference = readWav('data/wav/gtcrn_enh_stream.wav').samples;
    const [size, hop, frames] = [512, 256, 300];
    const window = Float64Array.from({ length: size }, (_, i) => Math.sqrt(0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size)));
    const sample = (i: number) => mix[i < 0 ? -i : i >= mix.length ? 2 * mix.length - 2 - i : i] as number; // reflected edges
    const cos = Float64Array.from({ length: size }, (_, i) => Math.cos((2 * Math.PI * i) / size));
    const sin = Float64Array.from({ length: size }, (_, i) => Math.sin((2 * Math.PI * i) / size));
    const zeros = (...dims: number[]) => new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
    let caches = { conv_cache: zeros(2, 1, 16, 16, 33), tra_cache: zeros(2, 3, 1, 1, 16), inter_cache: zeros(2, 1, 33, 16) };
    const out = new Float64Array(frames * hop + size);
    const norm = new Float64Array(out.length);
    for (let f = 0; f < frames; f++) {
      const spectrum = new Float32Array(257 * 2);
      for (let k = 0; k < 257; k++) {
        let [re, im] = [0, 0];
        for (let i = 0; i < size; i++) {
          const v = sample(f * hop + i - hop) * (window[i] as number);
          re += v * (cos[(k * i) % size] as number);
          im -= v * (sin[(k * i) % size] as number);
        }
        spectrum[2 * k] = re;
        spectrum[2 * k + 1] = im;
      }
      const r = await session.run({ mix: new Tensor('float32', spectrum, [1, 257, 1, 2]), ...caches });
      caches = { conv_cache: r['conv_cache_out'], tra_cache: r['tra_cache_out'], inter_cache: r['inter_cache_out'] } as typeof caches;
      const enh = data(r['enh']);
      for (let i = 0; i < size; i++) {
        let v = (enh[0] as number) + (enh[512] as number) * (i & 1 ? -1 : 1);
        for (let k = 1; k < 256; k++)
          v += 2 * ((enh[2 * k] as number) * (cos[(k * i) % size] as number) - (enh[2 * k + 1] as number) * (sin[(k * i) % size] as number));
        out[f * hop + i] = (out[f * hop + i] as number) + (v / size) * (window[i] as number);
        norm[f * hop + i] = (norm[f * hop + i] as number) + (window[i] as number) ** 2;
      }
    }
    let [signal, noise] = [0, 0];
    for (let i = hop; i < frames * hop; i++) {
      const want = reference[i - hop] as number;
      const got = (out[i] as number) / (norm[i] as number);
      signal += want * want;
      noise += (got - want) ** 2;
    }
    expect(10 * Math.log10(signal / noise)).toBeGreaterThanOrEqual(55);
  });
});

describe.skipIf(!haveAssets)('stories260K', () => {
  it('continues the story with the greedy ids of the reference', async () => {
    await using session = await InferenceSession.create(asset('llm/stories260K_kv.onnx'));
    const { greedyIds } = JSON.parse(readFileSync(asset('golden/stories260K.json'), 'utf8')) as { greedyIds: number[] };
    const past: Record<string, Tensor> = {};
    for (const { name, shape } of session.inputMetadata) {
      if (name.startsWith('past_key_values')) past[name] = new Tensor('float32', new Float32Array(0), [1, shape[1] as number, 0, shape[3] as number]);
    }
    const steps = Math.min(greedyIds.length, 64);
    const ids = [greedyIds[0] as number];
    while (ids.length < steps) {
      const at = ids.length - 1;
      const r = await session.run({
        input_ids: new Tensor('int64', BigInt64Array.of(BigInt(ids[at] as number)), [1, 1]),
        position_ids: new Tensor('int64', BigInt64Array.of(BigInt(at)), [1, 1]),
        ...past,
      });
      for (const name of Object.keys(past)) past[name] = r[name.replace('past_key_values', 'present')] as Tensor;
      ids.push(argmax(data(r['logits'])));
    }
    expect(ids).toEqual(greedyIds.slice(0, steps));
  });
});
