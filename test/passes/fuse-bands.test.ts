import { describe, expect, it } from 'vitest';
import type { AttrValue, Value } from '../../lib/graph/graph.js';
import { fuseBands } from '../../lib/passes/fuse-bands.js';
import { runPasses } from '../../lib/passes/index.js';
import { Build, golden, rewritten, text } from './graphs.js';

/** A channels-last convolution, as the passes before leave it. */
function conv(b: Build, x: Value, out: number, kernel: number, attrs: Record<string, AttrValue> = {}, residual?: Value): Value {
  b.infer();
  const c = x.dims.at(-1) as number;
  const group = (attrs['group'] as number | undefined) ?? 1;
  const pad = kernel >> 1;
  const all = { strides: [1, 1], dilations: [1, 1], pads: [pad, pad, pad, pad], group, ...attrs };
  const inputs = [x, b.f32([out, c / group, kernel, kernel]), b.f32([out]), ...(residual ? [residual] : [])];
  const y = b.graph.addNode('Conv', inputs, { domain: 'dsnk', name: b.graph.freshName('conv'), attrs: all }).output();
  b.infer();
  return y;
}

const relu = { activation: 'relu' };

describe('fuse-bands', () => {
  it('makes one node of expansion, depthwise and projection', () => {
    const b = new Build();
    const x = b.input('x', [1, 28, 28, 4]);
    const hidden = conv(b, conv(b, x, 16, 1, relu), 16, 3, { group: 16, activation: 'clip', beta: 6 });
    expect(golden(b.done(conv(b, hidden, 4, 1, {}, x)), fuseBands)).toMatchInlineSnapshot(`
      "%conv.2: f32[1,28,28,16] = dsnk.Conv(%x, f32[16,4,1,1], f32[16]) {activation=relu, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %conv.5: f32[1,28,28,16] = dsnk.Conv(%conv.2, f32[16,1,3,3], f32[16]) {activation=clip, beta=6, dilations=[1,1], group=16, pads=[1,1,1,1], strides=[1,1]}
      %conv.8: f32[1,28,28,4] = dsnk.Conv(%conv.5, f32[4,16,1,1], f32{-6,1,-5,2}, %x) {dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      return %conv.8
      →
      %conv.8: f32[1,28,28,4] = dsnk.InvertedResidual(%x, f32[16,4,1,1], f32[16], f32[16,1,3,3], f32[16], f32[4,16,1,1], f32{-6,1,-5,2}, %x) {depthwise_activation=clip, depthwise_beta=6, expand_activation=relu, pads=[1,1,1,1], strides=[1,1]}
      return %conv.8"
    `);
  });
  it('does so without an expansion', () => {
    const b = new Build();
    const x = conv(b, b.input('x', [2, 9, 9, 3]), 8, 3, relu);
    expect(golden(b.done(conv(b, conv(b, x, 8, 3, { group: 8, strides: [2, 2], ...relu }), 5, 1, relu)), fuseBands)).toMatchInlineSnapshot(`
      "%conv.2: f32[2,9,9,8] = dsnk.Conv(%x, f32[8,3,3,3], f32[8]) {activation=relu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %conv.5: f32[2,5,5,8] = dsnk.Conv(%conv.2, f32[8,1,3,3], f32[8]) {activation=relu, dilations=[1,1], group=8, pads=[1,1,1,1], strides=[2,2]}
      %conv.8: f32[2,5,5,5] = dsnk.Conv(%conv.5, f32[5,8,1,1], f32[5]) {activation=relu, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      return %conv.8
      →
      %conv.2: f32[2,9,9,8] = dsnk.Conv(%x, f32[8,3,3,3], f32[8]) {activation=relu, dilations=[1,1], group=1, pads=[1,1,1,1], strides=[1,1]}
      %conv.8: f32[2,5,5,5] = dsnk.InvertedResidual(%conv.2, -, -, f32[8,1,3,3], f32[8], f32[5,8,1,1], f32[5]) {depthwise_activation=relu, pads=[1,1,1,1], project_activation=relu, strides=[2,2]}
      return %conv.8"
    `);
  });
  it('does so without a projection', () => {
    const b = new Build();
    const y = conv(b, conv(b, b.input('x', [1, 56, 56, 4]), 8, 1, { activation: 'hardSwish' }), 8, 5, { group: 8, activation: 'hardSwish' });
    expect(golden(b.done(b.op('GlobalAveragePool', [y])), fuseBands)).toMatchInlineSnapshot(`
      "%conv.2: f32[1,56,56,8] = dsnk.Conv(%x, f32[8,4,1,1], f32[8]) {activation=hardSwish, dilations=[1,1], group=1, pads=[0,0,0,0], strides=[1,1]}
      %conv.5: f32[1,56,56,8] = dsnk.Conv(%conv.2, f32[8,1,5,5], f32[8]) {activation=hardSwish, dilations=[1,1], group=8, pads=[2,2,2,2], strides=[1,1]}
      %globalaveragepool: f32[1,56,1,1] = GlobalAveragePool(%conv.5)
      return %globalaveragepool
      →
      %conv.5: f32[1,56,56,8] = dsnk.InvertedResidual(%x, f32[8,4,1,1], f32[8], f32[8,1,5,5], f32[8]) {depthwise_activation=hardSwish, expand_activation=hardSwish, pads=[2,2,2,2], strides=[1,1]}
      %globalaveragepool: f32[1,56,1,1] = GlobalAveragePool(%conv.5)
      return %globalaveragepool"
    `);
  });
  it('leaves what does not fit', () => {
    const block = (change: (b: Build, x: Value) => Value | Value[]) => {
      const b = new Build();
      const made = change(b, b.input('x', [1, 28, 28, 4]));
      return rewritten(b.done(...(Array.isArray(made) ? made : [made])), fuseBands);
    };
    const depthwise = { group: 8 };
    const fused = /InvertedResidual/;
    expect(block((b, x) => conv(b, conv(b, conv(b, x, 8, 1), 8, 3, depthwise), 4, 1))).toMatch(fused);
    // a depthwise convolution alone
    expect(block((b, x) => conv(b, conv(b, x, 8, 3), 8, 3, depthwise))).not.toMatch(fused);
    // dilations, groups, strides of a 1x1 convolution
    expect(block((b, x) => conv(b, conv(b, x, 8, 1), 8, 3, { ...depthwise, dilations: [2, 2], pads: [2, 2, 2, 2] }))).not.toMatch(fused);
    expect(block((b, x) => conv(b, conv(b, x, 8, 1, { group: 2 }), 8, 3, depthwise))).not.toMatch(fused);
    expect(block((b, x) => conv(b, conv(b, x, 8, 1, { strides: [2, 2] }), 8, 3, depthwise))).not.toMatch(fused);
    // a result that others read or that leaves the graph
    expect(
      block((b, x) => {
        const hidden = conv(b, x, 8, 1);
        return [conv(b, hidden, 8, 3, depthwise), b.op('Relu', [hidden])];
      }),
    ).not.toMatch(fused);
    expect(
      block((b, x) => {
        const hidden = conv(b, x, 8, 1);
        return [conv(b, hidden, 8, 3, depthwise), hidden];
      }),
    ).not.toMatch(fused);
    // a sum between the stages
    expect(block((b, x) => conv(b, conv(b, x, 8, 1, {}, conv(b, x, 8, 3)), 8, 3, depthwise))).not.toMatch(fused);
    // a small image, whose rows two threads would expand twice
    expect(block((b) => conv(b, conv(b, conv(b, b.input('small', [1, 7, 7, 4]), 8, 1), 8, 3, depthwise), 4, 1))).toMatch(/dsnk\.Conv(.|\n)*InvertedResidual/);
    // rows that no cache holds
    expect(block((b) => conv(b, conv(b, b.input('wide', [1, 28, 20000, 1]), 8, 1), 8, 3, depthwise))).not.toMatch(fused);
  });
  it('leaves the expansion to its own kernel where many threads would repeat its rows', () => {
    const of = (threads: number) => {
      const b = new Build();
      const y = conv(b, conv(b, conv(b, b.input('x', [1, 28, 28, 4]), 8, 1), 8, 3, { group: 8 }), 4, 1);
      runPasses(b.done(y), [fuseBands], { threads });
      return text(b.graph);
    };
    expect(of(4)).not.toMatch(/dsnk\.Conv/);
    expect(of(8)).toMatch(/dsnk\.Conv(.|\n)*InvertedResidual/);
  });
  it('gives a sum between depthwise and projection to neither', () => {
    const b = new Build();
    const x = b.input('x', [1, 28, 28, 8]);
    expect(rewritten(b.done(conv(b, conv(b, x, 8, 3, { group: 8 }, x), 4, 1)), fuseBands)).not.toMatch(/InvertedResidual/);
  });
});
