/**
 * Brings QuantizeLinear and DequantizeLinear next to what they belong to, so that what lies between them is either one
 * operator in float32 or none.
 *
 *     %y = QuantizeLinear(MaxPool(DequantizeLinear(%x, s, z)), s, z)   →   %y = MaxPool(%x)
 *     %y = Reshape(DequantizeLinear(%x, s, z))                         →   %y = DequantizeLinear(Reshape(%x), s, z)
 *     %b = DequantizeLinear(%a); %c = Conv(%b, …); %d = Add(%b, …)     →   two DequantizeLinear, one for each reader
 *     %y = QuantizeLinear(%x, s, z:i8) read by DequantizeLinear only   →   the same in u8 with z+128
 *
 * What only moves elements, or picks among them (rounding keeps order), is the same before and after. Refuses: several
 * scales or zero points in one node, scales that are not constants.
 */
import { elementCount } from '../graph/dim.js';
import { Constant, type Node, scalarOf, type Value } from '../graph/graph.js';
import { scalingOf } from '../ops/quantize.js';
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';

const isOp = (node: Node, op: string): boolean => node.op === op && node.domain === '';
const isScaled = (node: Node) => scalingOf(node) !== undefined;

/** What moves elements only; input 0 is theirs. */
const movers = new Set([
  'Reshape',
  'Transpose',
  'Slice',
  'Squeeze',
  'Unsqueeze',
  'Flatten',
  'Expand',
  'Tile',
  'Gather',
  'DepthToSpace',
  'SpaceToDepth',
  'Identity',
]);

/** A Resize that takes the nearest element, and never one from outside. */
const copies = (node: Node) =>
  node.op === 'Resize' && node.string('mode', 'nearest') === 'nearest' && node.string('coordinate_transformation_mode', '') !== 'tf_crop_and_resize';

/** Whether node gives the same elements whether they are quantized before or after. */
function keeps(node: Node): boolean {
  if (node.domain === 'dsnk') return (node.op === 'MaxPool' && node.outputs.length === 1) || node.op === 'GlobalMaxPool';
  return node.domain === '' && (movers.has(node.op) || (node.op === 'MaxPool' && node.outputs.length === 1) || node.op === 'Concat' || copies(node));
}

/** QuantizeLinear(move(x)) → move(QuantizeLinear(x)); for Concat, of each part. Returns the new QuantizeLinear nodes. */
function raise(edit: GraphEditor, quantize: Node): readonly Node[] {
  const move = quantize.input(0).producer;
  if (move === undefined || !isScaled(quantize) || !keeps(move) || edit.onlyUser(quantize.input(0)) !== quantize) return [];
  const parts = move.op === 'Concat' ? move.inputs.length : 1;
  const attrs = Object.fromEntries(quantize.attrs);
  const before = move.inputs.slice(0, parts).map((v) => edit.add('QuantizeLinear', [v, ...quantize.inputs.slice(1)], { attrs }));
  const inputs = [...before.map((node) => node.output()), ...move.inputs.slice(parts)];
  edit.replaceNode(quantize.output(), move.op, inputs, { domain: move.domain, name: move.name, attrs: Object.fromEntries(move.attrs) });
  return before;
}

/** move(DequantizeLinear(x)) → DequantizeLinear(move(x)); padding with 0 becomes padding with the zero point. */
function lower(edit: GraphEditor, dequantize: Node): void {
  let node = dequantize;
  for (;;) {
    const y = node.output();
    const move = edit.onlyUser(y);
    if (move === undefined || !isScaled(node) || move.input(0) !== y || move.inputs.lastIndexOf(y) !== 0 || node.input(0).constant !== undefined) return;
    const pads = isOp(move, 'Pad') && move.string('mode', 'constant') === 'constant' && (move.inputs[2] === undefined || scalarOf(move.inputs[2]) === 0);
    if (!pads && (!keeps(move) || isOp(move, 'Concat'))) return;
    const rest = [...move.inputs.slice(1)];
    if (pads) rest[1] = edit.scalar(node.input(0).type, scalingOf(node)?.zero as number);
    const moved = edit.value(move.op, [node.input(0), ...rest], { domain: move.domain, name: move.name, attrs: Object.fromEntries(move.attrs) });
    node = edit.replaceNode(move.output(), 'DequantizeLinear', [moved, ...node.inputs.slice(1)], { attrs: Object.fromEntries(node.attrs) }).producer as Node;
  }
}

/** QuantizeLinear(DequantizeLinear(x)) of one scale and zero point → x */
function cancel(edit: GraphEditor, quantize: Node): boolean {
  const dequantize = quantize.input(0).producer;
  if (dequantize === undefined || !isOp(dequantize, 'DequantizeLinear') || !isScaled(quantize)) return false;
  const [from, to] = [scalingOf(dequantize), scalingOf(quantize)];
  if (from?.zero !== to?.zero || from?.scale !== to?.scale) return false;
  const x = dequantize.input(0);
  if (x.dtype !== quantize.output().dtype || edit.isKept(quantize.output())) return false;
  edit.replaceValue(quantize.output(), x);
  edit.rewrites++;
  return true;
}

/** A DequantizeLinear of its own for every reader but the first. */
function part(edit: GraphEditor, dequantize: Node): void {
  if (!isScaled(dequantize) || dequantize.input(0).constant !== undefined) return;
  const [, ...others] = edit.users(dequantize.output());
  for (const user of others) {
    const twin = edit.value('DequantizeLinear', dequantize.inputs, { attrs: Object.fromEntries(dequantize.attrs) });
    user.inputs.forEach((v, i) => {
      if (v === dequantize.output()) edit.setInput(user, i, twin);
    });
    edit.rewrites++;
  }
}

/** Signed bytes that come from QuantizeLinear and go to DequantizeLinear, through moves at most, become unsigned ones. */
function unsign(edit: GraphEditor): void {
  const seen = new Set<Value>();
  for (const start of edit.nodes()) {
    if (!isScaled(start) || !isOp(start, 'QuantizeLinear') || start.output().dtype !== 'int8' || seen.has(start.output())) continue;
    const region = new Set<Value>([start.output()]);
    const scaled = new Set<Node>();
    let closed = true;
    for (const v of region) {
      seen.add(v);
      const maker = v.producer;
      if (edit.isKept(v) || maker === undefined) closed = false;
      else if (isScaled(maker) && isOp(maker, 'QuantizeLinear')) scaled.add(maker);
      else if (keeps(maker)) for (const x of maker.inputs) x?.dtype === 'int8' && region.add(x);
      else closed = false;
      for (const user of edit.users(v)) {
        if (isScaled(user) && isOp(user, 'DequantizeLinear')) scaled.add(user);
        else if (keeps(user)) region.add(user.output());
        else closed = false;
      }
    }
    if (!closed) continue;
    for (const node of scaled) {
      const zero = scalingOf(node)?.zero as number;
      const shape = node.inputs[2]?.dims ?? [];
      edit.setInput(node, 2, edit.graph.addConstant(Constant.of('uint8', shape, new Array(elementCount(shape)).fill(zero + 128))));
      node.attrs.delete('output_dtype');
      edit.rewrites++;
    }
    for (const v of region) v.dtype = 'uint8';
  }
}

export const partQuantization: Pass = {
  name: 'part-quantization',
  run(graph) {
    if (!graph.nodes.some((node) => isOp(node, 'DequantizeLinear') || isOp(node, 'QuantizeLinear'))) return 0;
    const edit = new GraphEditor(graph);
    const open = [...edit.nodes()].filter((node) => isOp(node, 'QuantizeLinear'));
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (edit.isUnused(node.output()) || cancel(edit, node)) continue;
      open.push(...raise(edit, node));
    }
    for (const node of [...edit.nodes()]) if (isOp(node, 'DequantizeLinear')) part(edit, node);
    for (const node of [...edit.nodes()]) if (isOp(node, 'DequantizeLinear')) lower(edit, node);
    unsign(edit);
    return edit.finish();
  },
};
