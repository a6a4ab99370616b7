/** TensorScatter: new rows of a cache, written where every batch says, as one ScatterElements along the cache's axis. */
import { Constant } from '../../graph/graph.js';
import type { Expansion } from './expansion.js';

export const tensorScatter: Expansion = (edit, node) => {
  const cache = node.input(0);
  const update = node.input(1);
  const rank = cache.dims.length;
  const given = node.int('axis', -2);
  const axis = given < 0 ? given + rank : given;
  const rows = update.dims[axis] as number;
  const alone = (d: number, n: number) => cache.dims.map((_, i) => (i === d ? n : 1));
  let at = edit.graph.addConstant(Constant.of('int64', alone(axis, rows), [...Array(rows).keys()]));
  const first = node.inputs[2];
  if (first !== undefined) at = edit.value('Add', [edit.reshape(first, alone(0, first.dims[0] as number)), at]);
  if (node.string('mode', 'linear') === 'circular') at = edit.value('Mod', [at, edit.scalar('int64', cache.dims[axis] as number)]);
  const everywhere = edit.value('Expand', [at, edit.ints(update.dims)]);
  return [edit.value('ScatterElements', [cache, everywhere, update], { attrs: { axis } })];
};
