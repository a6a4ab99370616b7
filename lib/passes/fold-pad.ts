/**
 * Moves constant padding of the spatial dimensions into the convolution or pool that reads it.
 *
 *     %p = Pad(%x, i64[8]) {mode=constant}; %y = Conv(%p, W) {pads=[0,0,0,0]}   →   %y = Conv(%x, W) {pads=[1,1,1,1]}
 *
 * Refuses: padding of batch or channels, cropping, other modes; a value other than the operator's own (0 for Conv and
 * AveragePool, -∞ for MaxPool); automatic padding; ceil_mode; an average that did not count its own padding.
 */
import { type Node, scalarOf } from '../graph/graph.js';
import { GraphEditor, numbersOf } from './editor.js';
import type { Pass } from './index.js';

/** Spatial pads as ONNX lists them, all begins then all ends; undefined where the node pads anything else. */
function spatialPads(node: Node): readonly number[] | undefined {
  const rank = node.input(0).dims.length;
  const given = numbersOf(node.inputs[1]);
  if (node.string('mode', 'constant') !== 'constant' || given === undefined || rank < 3) return undefined;
  const axes = node.inputs[3] === undefined ? Array.from({ length: rank }, (_, i) => i) : numbersOf(node.inputs[3]);
  if (axes === undefined) return undefined;
  const pads = new Array<number>(2 * rank).fill(0);
  axes.forEach((axis, i) => {
    const a = axis < 0 ? axis + rank : axis;
    pads[a] = given[i] as number;
    pads[a + rank] = given[i + axes.length] as number;
  });
  const spatial = [...pads.slice(2, rank), ...pads.slice(rank + 2)];
  const others = [pads[0], pads[1], pads[rank], pads[rank + 1]];
  return others.every((p) => p === 0) && spatial.every((p) => p >= 0) ? spatial : undefined;
}

export const foldPad: Pass = {
  name: 'fold-pad',
  run(graph) {
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      const isPool = node.op === 'MaxPool' || node.op === 'AveragePool';
      if (node.domain !== '' || (node.op !== 'Conv' && !isPool)) continue;
      const pad = node.input(0).producer;
      if (pad?.op !== 'Pad' || pad.domain !== '' || node.outputs.length !== 1) continue;
      const extra = spatialPads(pad);
      const auto = node.string('auto_pad', 'NOTSET');
      if (extra === undefined || (auto !== 'NOTSET' && auto !== 'VALID') || node.int('ceil_mode', 0) !== 0) continue;
      const value = pad.inputs[2] === undefined ? 0 : scalarOf(pad.inputs[2]);
      if (value !== (node.op === 'MaxPool' ? Number.NEGATIVE_INFINITY : 0)) continue;
      const none = extra.map(() => 0);
      const own = auto === 'VALID' ? none : node.ints('pads', none);
      if (node.op === 'AveragePool') {
        if (own.some((p) => p !== 0) && node.int('count_include_pad', 0) === 0) continue;
        node.attrs.set('count_include_pad', 1);
      }
      const kernel = isPool ? node.ints('kernel_shape') : undefined;
      const pads = own.map((p, i) => p + (extra[i] as number));
      // a pool may not have a window that sees padding only
      if (kernel !== undefined && pads.some((p, i) => p >= (kernel[i % kernel.length] as number))) continue;
      node.attrs.set('pads', pads);
      node.attrs.delete('auto_pad');
      edit.setInput(node, 0, pad.input(0));
      edit.rewrites++;
    }
    return edit.finish();
  },
};
