import { describe, expect, it } from 'vitest';
import { compile } from '../../lib/compile/compile.js';
import { decodeProgram, disassemble, encodeProgram } from '../../lib/compile/program.js';
import { WeightIndex } from '../../lib/compile/weights.js';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { native } from '../../lib/runtime/native.js';
import { randomFloats } from '../kernels/harness.js';
import { keepProgram } from './corpus.js';
import { nets } from './nets.js';

describe.each(Object.entries(nets))('the program of the %s net', (name, net) => {
  const compiled = compile(net(), native().catalogue(), new WeightIndex());

  it('is the same after decoding and encoding', () => {
    const { words, image } = compiled;
    expect(decodeProgram(words)).toEqual(image);
    expect(encodeProgram(decodeProgram(words))).toEqual(words);
    const lines = disassemble(image, native().catalogue()).split('\n');
    expect(lines.length).toBe(3 + image.init.length + image.main.length);
    keepProgram(
      `net-${name}`,
      words,
      compiled.sources.map((c) => c.read()),
    );
  });

  it('gives the same numbers with one thread and with three', async () => {
    const feeds = Object.fromEntries(
      net().feeds.map((v, i) => {
        const dims = v.shape as number[];
        const length = dims.reduce((a, b) => a * b, 1);
        if (v.dtype === 'int64') return [v.name, new Tensor('int64', new BigInt64Array(length).fill(1n), dims)];
        const floats = randomFloats(length, i + 1);
        return [v.name, v.dtype === 'float64' ? new Tensor('float64', Float64Array.from(floats), dims) : new Tensor('float32', floats, dims)];
      }),
    );
    const results = [];
    for (const intraOpNumThreads of [1, 3]) {
      await using session = await InferenceSession.fromGraph(net(), { intraOpNumThreads });
      results.push(await session.run(feeds));
    }
    for (const [output, tensor] of Object.entries(results[0] ?? {})) {
      expect(results[1]?.[output]?.data).toEqual(tensor.data);
      if (tensor.type.startsWith('float')) expect((tensor.data as Float32Array).every(Number.isFinite)).toBe(true);
    }
  });
});
