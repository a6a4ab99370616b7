/** Types every value of a graph, node by node. */
import { dsnkError, dsnkErrorList, shapeText } from '../errors.js';
import { isConcrete, type Shape } from '../graph/dim.js';
import { Graph, type Node } from '../graph/graph.js';
import { operatorOf } from './index.js';
import { Inference, MAX_KNOWN, type OutputType, UnknownShape } from './operator.js';

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
  let types: readonly OutputType[];
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
    if (type.shape !== undefined) checkShape(node, type.shape);
    out.dtype = type.dtype;
    out.shape = type.shape;
    out.known = type.known !== undefined && type.known.length <= MAX_KNOWN ? type.known : undefined;
    if (options.concrete && (type.shape === undefined || !isConcrete(type.shape))) {
      throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', node.where, 'output shape must be known at compile time', `${shapeText(type.shape)} came out`);
    }
  }
}

function checkShape(node: Node, shape: Shape): void {
  let elements = 1;
  for (const d of shape) {
    if (typeof d === 'string') continue;
    if (!Number.isSafeInteger(d) || d < 0) {
      throw dsnkError('ERR_DSNK_SHAPE_MISMATCH', node.where, 'output dimensions must be non-negative integers', `${shapeText(shape)} came out`);
    }
    elements *= Math.max(d, 1);
  }
  if (elements > MAX_ELEMENTS) {
    throw dsnkError('ERR_DSNK_OUT_OF_MEMORY', node.where, 'output must have less than 2^44 elements', `${shapeText(shape)} came out`);
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
