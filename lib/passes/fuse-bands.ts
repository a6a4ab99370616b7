/**
 * A depthwise convolution with the 1x1 convolutions around it becomes one node, whose kernel makes the tensors between them band of rows by
 * band of rows in L2.
 *
 *     %a = dsnk.Conv(%x, E[e,c,1,1]) {activation=relu}; %b = dsnk.Conv(%a, D[e,1,3,3]) {group=e}; %y = dsnk.Conv(%b, P[m,e,1,1])
 *         →   %y = dsnk.InvertedResidual(%x, E, -, D, -, P)
 *
 * Either 1x1 convolution may be missing. Refuses: hidden tensors that others read, types other than float32, dilations, hidden tensors that
 * stay in L2 by themselves (see `pays`), rows so long that not one fits there.
 */
import type { AttrValue, Node, Value } from '../graph/graph.js';
import { bandRows, bandShape } from '../ops/inverted-residual.js';
import { GraphEditor } from './editor.js';
import type { Pass } from './index.js';

const isConv = (node: Node | undefined): node is Node =>
  node !== undefined && node.op === 'Conv' && node.domain === 'dsnk' && node.output().dtype === 'float32' && node.input(0).dims.length === 4;

const all = (list: readonly number[], n: number) => list.every((d) => d === n);

const isPointwise = (node: Node | undefined): node is Node =>
  isConv(node) &&
  node.int('group', 1) === 1 &&
  all(node.input(1).dims.slice(2), 1) &&
  all(node.ints('strides', [1, 1]), 1) &&
  all(node.ints('pads', [0, 0, 0, 0]), 0);

const isDepthwise = (node: Node): boolean =>
  isConv(node) &&
  node.int('group', 1) > 1 &&
  node.int('group', 1) === node.input(0).dims[3] &&
  node.output().dims[3] === node.input(0).dims[3] &&
  all(node.ints('dilations', [1, 1]), 1);

/**
 * Whether to take the expansion too: every thread expands the kernel - stride rows where its part of the image meets the next. Measured on two
 * Zen 4 cores, fused against apart: 3x3 with both neighbours at 14x14 0.83 … 0.96, at 7x7 1.0 … 1.09; 3x3 and 5x5 without a projection at 28x28
 * 0.89 … 1.0, at 14x14 0.9 … 1.15 (cut into parts of 64 channels, which expand nothing twice, 0.92 … 1.03: too little for a second way).
 */
function pays(expand: Node, depthwise: Node, project: Node | undefined, threads: number): boolean {
  const [batch, height] = expand.output().dims as [number, number];
  const twice = (depthwise.input(1).dims[2] as number) - (depthwise.ints('strides', [1, 1])[0] as number);
  return (batch * height) / Math.max(threads, 2) >= (project === undefined ? 7 : 3.5) * twice;
}

/**
 * Whether apart they are faster where 1x1 convolutions run in 16 bits, which bands do not. Then bands have other results than their parts, so
 * that threads must not decide. Measured on Zen 4, apart against band: 24→144→24 at
 * 56x56 0.82, 58→58→58 at 28x28 0.7, 96→576→96 at 14x14 0.6, 960→160 at 7x7 0.65; but 16→96→24 1.05, 24→144 without a projection 1.22.
 */
function fasterApart(expand: Node | undefined, project: Node | undefined): boolean {
  const least = project === undefined ? 32 : 24;
  return (expand === undefined || (expand.input(0).dims[3] as number) >= least) && (project === undefined || (project.output().dims[3] as number) >= 24);
}

/** Whether a band of at least one row stays in the cache. */
function fits(expand: Node | undefined, depthwise: Node, project: Node | undefined): boolean {
  const [x, y] = [(expand ?? depthwise).input(0).dims, (project ?? depthwise).output().dims];
  const [hidden = 0, , kernel = 0] = depthwise.input(1).dims;
  const [stride = 1] = depthwise.ints('strides', [1, 1]);
  if (x.includes(0) || y.includes(0)) return false;
  return bandRows(bandShape(x, y, hidden, kernel, stride, expand !== undefined, project !== undefined)) > 0;
}

/** The attributes of a stage's activation. */
function activation(stage: string, node: Node | undefined): [string, AttrValue][] {
  return ['activation', 'alpha', 'beta'].flatMap((name) => {
    const value = node?.attrs.get(name);
    return value === undefined ? [] : [[`${stage}_${name}`, value] as [string, AttrValue]];
  });
}

export const fuseBands: Pass = {
  name: 'fuse-bands',
  run(graph, { threads = 2, narrow = false, device = 'cpu' } = {}) {
    if (device !== 'cpu') return 0;
    const edit = new GraphEditor(graph);
    for (const node of edit.nodes()) {
      if (!isDepthwise(node)) continue;
      const before = node.input(0).producer;
      const wide = isPointwise(before) && before.inputs[3] === undefined && edit.onlyUser(node.input(0)) === node ? before : undefined;
      const after = node.inputs[3] === undefined ? edit.onlyUser(node.output()) : undefined;
      const reads = after?.inputs.filter((v) => v === node.output()).length;
      const project = isPointwise(after) && reads === 1 && after.inputs[0] === node.output() ? after : undefined;
      const expand = wide !== undefined && pays(wide, node, project, narrow ? 2 : threads) ? wide : undefined;
      if ((expand ?? project) === undefined || !fits(expand, node, project)) continue;
      if (narrow && fasterApart(expand, project)) continue;
      const x = (expand ?? node).input(0);
      const last = project ?? node;
      const inputs: (Value | undefined)[] = [
        x,
        ...[expand?.inputs[1], expand?.inputs[2]],
        ...[node.inputs[1], node.inputs[2]],
        ...[project?.inputs[1], project?.inputs[2]],
        last.inputs[3],
      ];
      while (inputs.at(-1) === undefined) inputs.pop();
      const attrs = Object.fromEntries([
        ['strides', node.ints('strides', [1, 1])],
        ['pads', node.ints('pads', [0, 0, 0, 0])],
        ...activation('expand', expand),
        ...activation('depthwise', node),
        ...activation('project', project),
      ]);
      edit.replaceNode(last.output(), 'InvertedResidual', inputs, { domain: 'dsnk', name: last.name, attrs });
    }
    return edit.finish();
  },
};
