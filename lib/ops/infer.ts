/** Types every value of a graph, node by node. */
import { dsnkError, dsnkErrorList, shapeText } from '../errors.js';
import { isConcrete } from '../graph/dim.js';
import { Graph, type Node } from '../graph/graph.js';
import { operatorOf } from './index.js';
import { Inference, MAX_KNOWN, UnknownShape } from './operator.js';

/** No machine holds a tensor of more; below it, byte counts and strides of any dtype are exact in a number. */
const MAX_ELEMENTS = 2 ** 44;

export interface InferOptions {
  /** Every shape must come out as numbers; contents that decide a shape must be known (else NeedsValue is thrown). */
  readonly concrete: boolean;
}

/** Types the outputs of one node from its inputs. */
export function inferNode(node: Node, options: InferOptions): void {
  const op = operatorOf(node);
  if (op === undefined) throw dsnkError('ERR_DSNK_UNSUPPORTED_OP', node.where, 'operator must be one this version runs');
  const q = new Inference(node, options.concrete);
  let types: readonly {
    dtype: NonNullable<Node['outputs'][number]['dtype']>;
    shape: Node['outputs'][number]['shape'];
    known?: Node['outputs'][number]['known'];
  }[];
  try {
    types = op.infer(q);
  } catch (error) {
    if (!(error instanceof UnknownShape) || options.concrete) throw error;
    // Symbolic: dtypes are usually those of the first input; a later concrete inference settles everything.
    for (const out of node.outputs) {
      out.shape = undefined;
      out.dtype ??= node.inputs.find((v) => v !== undefined)?.dtype;
    }
    return;
  }
  for (let i = 0; i < node.outputs.length; i++) {
    const out = node.outputs[i];
    const type = types[i];
    if (out === undefined) continue;
    if (type === undefined)
      throw dsnkError('ERR_DSNK_INVALID_MODEL', node.where, `${op.name} must have at most ${types.length} outputs`, `${node.outputs.length} are named`);
    if (type.shape !== undefined && !type.shape.every((d) => typeof d === 'string' || (Number.isSafeInteger(d) && d >= 0))) {
      throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', node.where, 'output dimensions must be non-negative integers', `${shapeText(type.shape)} came out`);
    }
    if (type.shape !== undefined && type.shape.reduce<number>((n, d) => n * (typeof d === 'number' ? Math.max(d, 1) : 1), 1) > MAX_ELEMENTS) {
      throw dsnkError('ERR_DSNK_OUT_OF_MEMORY', node.where, 'output must have less than 2^44 elements', `${shapeText(type.shape)} came out`);
    }
    out.dtype = type.dtype;
    out.shape = type.shape;
    out.known = type.known !== undefined && type.known.length <= MAX_KNOWN ? type.known : undefined;
    if (options.concrete && (type.shape === undefined || !isConcrete(type.shape))) {
      throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', node.where, 'output shape must be known at compile time', `${shapeText(type.shape)} came out`);
    }
  }
}

export function inferGraph(graph: Graph, options: InferOptions): void {
  for (const node of graph.nodes) inferNode(node, options);
}

/** Every node that this version cannot run, worded; empty when all can. Looks into subgraphs. */
export function unsupportedNodes(graph: Graph): string[] {
  const lines: string[] = [];
  for (const node of graph.nodes) {
    if (operatorOf(node) === undefined) lines.push(`${node.where}: no such operator here`);
    for (const attr of node.attrs.values()) {
      for (const inner of Array.isArray(attr) ? attr : [attr]) if (inner instanceof Graph) lines.push(...unsupportedNodes(inner));
    }
  }
  return lines;
}

/** Throws one error that lists everything: operators without an entry here, and what the importer found (`problems`). */
export function assertSupported(graph: Graph, problems: readonly string[] = []): void {
  const lines = [...new Set([...problems, ...unsupportedNodes(graph)])];
  if (lines.length > 0) {
    throw dsnkErrorList(
      'ERR_DSNK_UNSUPPORTED_OP',
      `model "${graph.name}"`,
      `every operator, opset and type must be one this version runs, ${lines.length} ${lines.length === 1 ? 'is' : 'are'} not`,
      lines,
    );
  }
}
