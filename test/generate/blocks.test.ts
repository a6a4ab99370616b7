/** Quantized blocks of GGUF files against plain loops over their bytes: opened into floats, rows taken out of a table, and multiplied from their bits. */
import { describe, expect, it } from 'vitest';
import { type BlockFormat, blockFormats, multiplyBlocks, openBlocks } from '../../lib/generate/blocks.js';
import { Emitter } from '../../lib/graph/emitter.js';
import { Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { mulberry32 } from '../kernels/harness.js';

const f16 = (bits: number) => {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
};

/** Definitions element by element: weight i of a block. */
const plain: Readonly<Record<string, (b: Uint8Array, i: number) => number>> = {
  Q8_0: (b, i) => f16(word(b, 0)) * signed(at(b, 2 + i)),
  Q4_0: (b, i) => f16(word(b, 0)) * ((i < 16 ? at(b, 2 + i) & 15 : at(b, 2 + i - 16) >> 4) - 8),
  Q4_K(b, i) {
    const group = Math.floor(i / 32);
    const s = (j: number) => at(b, 4 + j);
    const scale = group < 4 ? s(group) & 63 : (s(group + 4) & 15) | ((s(group - 4) >> 6) << 4);
    const minimum = group < 4 ? s(group + 4) & 63 : (s(group + 4) >> 4) | ((s(group) >> 6) << 4);
    const pair = at(b, 16 + 32 * Math.floor(i / 64) + (i % 32));
    return f16(word(b, 0)) * scale * (i % 64 < 32 ? pair & 15 : pair >> 4) - f16(word(b, 2)) * minimum;
  },
  Q6_K(b, i) {
    const [half, quarter, l] = [Math.floor(i / 128), Math.floor((i % 128) / 32), i % 32];
    const lower = at(b, 64 * half + (quarter % 2) * 32 + l);
    const four = quarter < 2 ? lower & 15 : lower >> 4;
    const two = (at(b, 128 + 32 * half + l) >> (2 * quarter)) & 3;
    return f16(word(b, 208)) * signed(at(b, 192 + Math.floor(i / 16))) * ((four | (two << 4)) - 32);
  },
};
const at = (b: Uint8Array, i: number) => b[i] as number;
const word = (b: Uint8Array, i: number) => at(b, i) | (at(b, i + 1) << 8);
const signed = (v: number) => (v > 127 ? v - 256 : v);
/** Where the float16 numbers of a block stand. */
const halves: Readonly<Record<string, readonly number[]>> = { Q8_0: [0], Q4_0: [0], Q4_K: [0, 2], Q6_K: [208] };

function sample(format: BlockFormat, n: number, k: number) {
  const next = mulberry32(k + n);
  const blocks = k / format.elements;
  const bytes = Uint8Array.from({ length: n * blocks * format.bytes }, () => Math.floor(256 * next()));
  for (let b = 0; b < n * blocks; b++) {
    // Scales of 2^-5 to 2^-2, one of them zero.
    for (const h of halves[format.name] as readonly number[]) {
      bytes[b * format.bytes + h + 1] = b === 1 ? 0 : 0x28 + Math.floor(12 * next());
      if (b === 1) bytes[b * format.bytes + h] = 0;
    }
  }
  const value = (row: number, i: number) => {
    const start = (row * blocks + Math.floor(i / format.elements)) * format.bytes;
    return (plain[format.name] as (b: Uint8Array, i: number) => number)(bytes.subarray(start, start + format.bytes), i % format.elements);
  };
  return {
    constant: new Constant('uint8', [n, blocks, format.bytes], () => bytes),
    weights: Array.from({ length: n }, (_, r) => Array.from({ length: k }, (_, i) => value(r, i))),
  };
}

async function run(make: (g: Emitter) => Value, feeds: Record<string, Tensor> = {}): Promise<Float32Array> {
  const graph = new Graph('blocks');
  const y = make(new Emitter(graph));
  y.name = 'y';
  graph.outputs.push(y);
  await using session = await InferenceSession.fromGraph(graph);
  return (await session.run(feeds))['y']?.data as Float32Array;
}

describe.each(blockFormats.map((f) => [f.name, f] as const))('%s', (_, format) => {
  const [n, k] = [5, 2 * 256];
  const { constant, weights } = sample(format, n, k);

  it('opens into floats', async () => {
    const y = await run((g) => openBlocks(g, format, g.constant(constant), [n], k));
    // Three products and a difference round in float32.
    weights.flat().forEach((w, i) => {
      expect(Math.abs((y[i] as number) - w), `weight ${i}`).toBeLessThanOrEqual(2 ** -22 * Math.max(Math.abs(w), 64));
    });
  });

  it('opens the rows that a call asks for', async () => {
    const make = (g: Emitter) => {
      const tokens = g.graph.addInput('tokens', 'int64', [1, 'rows']);
      return openBlocks(g, format, g.op('Gather', [g.constant(constant), tokens], { axis: 0 }), [1, -1], k);
    };
    const y = await run(make, { tokens: new Tensor('int64', BigInt64Array.of(3n, 1n), [1, 2]) });
    const all = await run((g) => openBlocks(g, format, g.constant(constant), [n], k));
    expect([...y]).toEqual([...all.slice(3 * k, 4 * k), ...all.slice(k, 2 * k)]);
  });

  it('is multiplied from its bits', async () => {
    const next = mulberry32(9);
    const x = Float32Array.from({ length: 3 * k }, () => 2 * next() - 1);
    const make = (g: Emitter) => multiplyBlocks(g, format, g.graph.addInput('x', 'float32', [3, k]), g.constant(constant), [n, k], 'product');
    const y = await run(make, { x: new Tensor('float32', x, [3, k]) });
    for (let m = 0; m < 3; m++) {
      for (let r = 0; r < n; r++) {
        const row = weights[r] as number[];
        const exact = row.reduce((sum, w, i) => sum + w * (x[m * k + i] as number), 0);
        // Activations of a group become integers of its largest magnitude over 127: half a step of error each, at most 1/254. Where a group has
        // a minimum and hardly a scale, 2^-14 of it stands for the scale of up to 15 steps.
        const bound = row.reduce((sum, w) => sum + Math.abs(w) / 254, 0) + 15 * 2 ** -14 * k + 1e-3;
        expect(Math.abs((y[m * n + r] as number) - exact), `row ${m}, column ${r}`).toBeLessThanOrEqual(bound);
      }
    }
  });
});
