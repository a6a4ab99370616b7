/** RotaryEmbedding: what does not fit is said when a model is loaded, with the node's name. */
import { expect, it } from 'vitest';
import type { DType } from '../../lib/dtype.js';
import { Graph } from '../../lib/graph/graph.js';
import { inferGraph } from '../../lib/ops/infer.js';

interface Case {
  readonly x?: readonly (number | string)[];
  readonly table?: readonly (number | string)[];
  readonly sin?: readonly number[];
  readonly type?: DType;
  readonly at?: readonly (number | string)[];
  readonly atType?: DType;
  readonly attrs?: Record<string, number>;
}

function typed({ x = [1, 4, 16], table = [8, 4], sin, type = 'float32', at = [1, 4], atType = 'int64', attrs }: Case = {}): void {
  const g = new Graph('rotary');
  const inputs = [g.addInput('x', 'float32', [...x]), g.addInput('cos', type, [...table]), g.addInput('sin', type, [...(sin ?? table)])];
  const y = g.addNode('RotaryEmbedding', [...inputs, g.addInput('at', atType, [...at])], { name: 'turn', attrs: { num_heads: 2, ...attrs } });
  g.outputs.push(y.output());
  inferGraph(g, { concrete: false });
}

it.each<Case>([
  {},
  { x: ['b', 'n', 16], at: ['b', 'n'] },
  { x: [1, 2, 4, 'w'] },
  { table: ['n', 'half'] },
  { table: [8, 3], attrs: { rotary_embedding_dim: 6 } },
])('takes %j', (c) => {
  expect(() => typed(c)).not.toThrow();
});

it.each<readonly [Case, string, string]>([
  [{ attrs: { num_heads: 3 } }, 'ERR_DSNK_SHAPE_MISMATCH', 'the width must be a multiple of num_heads, 16 and 3 came'],
  [{ attrs: { rotary_embedding_dim: 10 } }, 'ERR_DSNK_SHAPE_MISMATCH', 'an even number of elements of a head must be turned, 10 of 16 in 2 came'],
  [{ attrs: { rotary_embedding_dim: 3 } }, 'ERR_DSNK_SHAPE_MISMATCH', 'an even number of elements'],
  [{ attrs: { rotary_embedding_dim: -2 } }, 'ERR_DSNK_SHAPE_MISMATCH', 'an even number of elements'],
  [{ type: 'float16' }, 'ERR_DSNK_DTYPE_MISMATCH', 'tables must be of the type of the input'],
  [{ sin: [7, 4] }, 'ERR_DSNK_SHAPE_MISMATCH', 'tables must be alike'],
  [{ table: [8, 3] }, 'ERR_DSNK_SHAPE_MISMATCH', 'tables must have 4 columns'],
  [{ atType: 'int32' }, 'ERR_DSNK_DTYPE_MISMATCH', 'position_ids must be int64'],
  [{ at: [1, 3] }, 'ERR_DSNK_SHAPE_MISMATCH', 'position_ids must be [batch, length]'],
])('refuses %j', (c, code, words) => {
  expect(() => typed(c)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(`RotaryEmbedding "turn": ${words}`) }));
});
