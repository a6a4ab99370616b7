/** A graph as text, one line per node: what golden tests compare and `inspect` shows. */
import { shortName } from '../dtype.js';
import { type AttrValue, Constant, Graph, type Node, type Value } from './graph.js';

export function typeText(v: Value): string {
  return `${v.dtype === undefined ? '?' : shortName(v.dtype)}[${v.shape?.join(',') ?? '?'}]`;
}

function attrText(v: AttrValue): string {
  if (v instanceof Constant) return `tensor ${shortName(v.dtype)}[${v.dims.join(',')}]`;
  if (v instanceof Graph) return `graph(${v.nodes.length} nodes)`;
  if (Array.isArray(v)) return v.some((x) => x instanceof Graph) ? `${v.length} graphs` : `[${v.join(',')}]`;
  return typeof v === 'number' && !Number.isInteger(v) ? `${Number(v.toPrecision(7))}` : `${v}`;
}

function operandText(v: Value | undefined): string {
  if (v === undefined) return '-';
  if (v.constant === undefined) return `%${v.name}`;
  const { dims } = v.constant;
  if (dims.reduce((a, b) => a * b, 1) <= 4) {
    const values = v.constant.values();
    if (values) return `${shortName(v.constant.dtype)}{${values.map((x) => Number(x.toPrecision(7))).join(',')}}`;
  }
  return `${shortName(v.constant.dtype)}[${dims.join(',')}]`;
}

/** `%y: f32[1,64,56,56] = Conv(%x, f32[64,3,3,3]) {strides=[2,2]}` */
export function printNode(node: Node): string {
  const outs = node.outputs.map((v) => `%${v.name}: ${typeText(v)}`).join(', ');
  const attrs = [...node.attrs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => `${k}=${attrText(v)}`);
  const name = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
  return `${outs} = ${name}(${node.inputs.map(operandText).join(', ')})${attrs.length ? ` {${attrs.join(', ')}}` : ''}`;
}

export function printGraph(graph: Graph): string {
  return [
    `graph ${graph.name}(${graph.inputs.map((v) => `%${v.name}: ${typeText(v)}`).join(', ')})`,
    ...graph.nodes.map((n) => `  ${printNode(n)}`),
    `  return ${graph.outputs.map(operandText).join(', ')}`,
  ].join('\n');
}
