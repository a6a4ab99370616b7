import { describe, expect, it } from 'vitest';
import { siteOf, type Way } from '../../lib/compile/choice.js';
import { Lowering } from '../../lib/compile/lowering.js';
import { Constant, Graph, type Value } from '../../lib/graph/graph.js';
import { kernelParams } from '../../lib/kernels/params.js';
import { catalogue } from './catalogue.fixture.js';

const noParams = kernelParams('NoParams', {});

function sample(): Graph {
  const g = new Graph('g');
  const x = g.addInput('x', 'uint8', [64]);
  const w = g.addConstant(new Constant('uint8', [64], () => new Uint8Array(64)));
  const make = (inputs: Value[]) => {
    const v = g.addNode('any', inputs, { domain: 'dsnk', attrs: { pads: [1, 2], activation: 'relu' } }).output();
    Object.assign(v, { dtype: 'uint8', shape: [64] });
    return v;
  };
  g.outputs.push(make([make([x, w]), w]));
  return g;
}

const way = (low: Lowering, op: string): Way<void> => ({
  name: op,
  reason: `${op} by default`,
  emit: (reason) => {
    low.emit(low.select(op, 'u8'), noParams, {}, [low.out()], [low.in(0), low.in(1)], { reason });
  },
});

describe('sites of choice', () => {
  it('are named by all that decides about time, and by nothing else', () => {
    const [first, second] = sample().nodes;
    expect(first && siteOf(first, 0)).toBe('dsnk.any(u8[64], u8[64] constant) activation=relu pads=1,2');
    expect(second && siteOf(second, 1)).toBe('dsnk.any#1(u8[64], u8[64] constant) activation=relu pads=1,2');
  });

  it('take the first way, and the one that a policy names', () => {
    const lower = (policy?: ConstructorParameters<typeof Lowering>[1]) =>
      new Lowering(catalogue, policy).run(sample(), (low) => low.choose([way(low, 'add'), way(low, 'conv')])).main;
    expect(lower().map((s) => [s.kernel.op, s.reason, s.site])).toEqual([
      ['add', 'add by default', undefined],
      ['add', 'add by default', undefined],
    ]);
    const asked: string[] = [];
    const steps = lower((site, names) => {
      asked.push(`${site}: ${names}`);
      return { name: 'conv', reason: 'measured' };
    });
    expect(steps.map((s) => [s.kernel.op, s.reason])).toEqual([
      ['conv', 'measured'],
      ['conv', 'measured'],
    ]);
    expect(asked).toEqual(Array(2).fill('dsnk.any(u8[64], u8[64] constant) activation=relu pads=1,2: add,conv'));
    expect(steps[0]?.site).toBe(steps[1]?.site);
  });

  it('fall back to the first way where a policy names none of them', () => {
    const steps = new Lowering(catalogue, () => ({ name: 'other', reason: 'stale' })).run(sample(), (low) =>
      low.choose([way(low, 'add'), way(low, 'conv')]),
    ).main;
    expect(steps.map((s) => s.reason)).toEqual(['add by default', 'add by default']);
  });

  it('do not ask where there is one way', () => {
    const policy = () => expect.fail('asked');
    new Lowering(catalogue, policy).run(sample(), (low) => low.choose([way(low, 'add')]));
  });
});
