/** The arena of real networks is the largest live set: nothing is lost to placement. */
import { describe, expect, it } from 'vitest';
import { benchModels } from '../../bench/models/index.js';
import { compile } from '../../lib/compile/compile.js';
import { WeightIndex } from '../../lib/compile/weights.js';
import type { Graph } from '../../lib/graph/graph.js';
import { nativeCatalogue } from '../../lib/runtime/model.js';

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(3)} MB`;

describe('arena', () => {
  it.each(benchModels)('of $name is as large as its largest live set', ({ name, build }) => {
    const { memory } = compile(build(), nativeCatalogue(), new WeightIndex());
    console.log(`${name}: arena ${megabytes(memory.peakBytes)}, bound ${megabytes(memory.lowerBoundBytes)}, ${memory.strategy}`);
    expect(memory.peakBytes).toBe(memory.lowerBoundBytes);
  });

  it.each([
    ['MobileNetV2', 6_021_120, 2_408_448],
    ['MobileNetV3-L', 4_014_080, 1_605_632],
    ['EfficientNet-B0', 6_021_120, 3_211_264],
  ])('of %s lies below the largest live set of its layers, %i bytes', (name, apart, fused) => {
    const { build } = benchModels.find((m) => m.name === name) as { build: () => Graph };
    const of = (skipPasses: string[]) => compile(build(), nativeCatalogue(), new WeightIndex(), { skipPasses }).memory.peakBytes;
    expect(of(['fuse-bands'])).toBe(apart);
    expect(of([])).toBe(fused);
  });
});
