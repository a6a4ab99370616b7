import { describe, expect, it } from 'vitest';
import { livePeak, schedule } from '../../lib/compile/schedule.js';
import { Graph, type Value } from '../../lib/graph/graph.js';
import { verifyGraph } from '../../lib/graph/verify.js';

/** A node whose result has that many bytes. */
function make(g: Graph, name: string, bytes: number, ...inputs: Value[]): Value {
  const v = g.addNode('Conv', inputs, { name }).output();
  v.dtype = 'uint8';
  v.shape = [bytes];
  return v;
}
const names = (g: Graph) => g.nodes.map((n) => n.name).join(' ');

describe('schedule', () => {
  it('keeps the order of a chain and of a network at its lower bound', () => {
    const g = new Graph();
    let x = g.addInput('x', 'uint8', [100]);
    for (let i = 0; i < 5; i++) x = make(g, `a${i}`, 100, x);
    g.outputs.push(x);
    const before = names(g);
    schedule(g);
    expect(names(g)).toBe(before);
  });

  it('finishes a branch before it starts the next', () => {
    const g = new Graph();
    const x = g.addInput('x', 'uint8', [10]);
    const wide = [0, 1, 2, 3].map((i) => make(g, `wide${i}`, 1000, x));
    const narrow = wide.map((v, i) => make(g, `narrow${i}`, 10, v));
    g.outputs.push(make(g, 'sum', 10, ...narrow));
    const before = livePeak(g);
    schedule(g);
    verifyGraph(g, 'schedule');
    expect(names(g)).toBe('wide0 narrow0 wide1 narrow1 wide2 narrow2 wide3 narrow3 sum');
    expect(before).toBe(4010);
    expect(livePeak(g)).toBe(1040);
  });

  it('counts a view once and constants not at all', () => {
    const g = new Graph();
    const x = make(g, 'a', 100, g.addInput('x', 'uint8', [1]));
    const view = g.addNode('Reshape', [x], { name: 'view' }).output();
    Object.assign(view, { dtype: 'uint8', shape: [10, 10] });
    g.outputs.push(make(g, 'b', 50, view));
    expect(livePeak(g)).toBe(150);
  });

  it('never makes the estimate worse', () => {
    let seed = 11;
    const next = (n: number) => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % n;
    for (let round = 0; round < 60; round++) {
      const g = new Graph();
      const values = [g.addInput('x', 'uint8', [64])];
      for (let i = 0; i < 30; i++) {
        const pick = () => values[Math.max(0, values.length - 1 - next(6))] as Value;
        values.push(make(g, `n${i}`, 64 * (1 + next(20)), pick(), pick()));
      }
      g.outputs.push(values.at(-1) as Value, values.at(-2) as Value);
      const before = livePeak(g);
      schedule(g);
      verifyGraph(g, 'schedule');
      expect(g.nodes).toHaveLength(30);
      expect(livePeak(g)).toBeLessThanOrEqual(before);
    }
  });
});
