/** The arena of real networks is the largest live set: nothing is lost to placement. */
import { describe, expect, it } from 'vitest';
import { benchModels } from '../../bench/models/index.js';
import { compile } from '../../lib/compile/compile.js';
import { WeightIndex } from '../../lib/compile/weights.js';
import { nativeCatalogue } from '../../lib/runtime/model.js';

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(3)} MB`;

describe('arena', () => {
  it.each(benchModels)('of $name is as large as its largest live set', ({ name, build }) => {
    const { memory } = compile(build(), nativeCatalogue(), new WeightIndex());
    console.log(`${name}: arena ${megabytes(memory.peakBytes)}, bound ${megabytes(memory.lowerBoundBytes)}, ${memory.strategy}`);
    expect(memory.peakBytes).toBe(memory.lowerBoundBytes);
  });
});
