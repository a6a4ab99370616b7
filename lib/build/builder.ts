/**
 * The typed graph builder. Method and option names are WebNN's (W3C, IDL of 2025); what WebNN does not have is marked
 * "ours" in the functions' docs.
 */
import { type DType, isDType } from '../dtype.js';
import { dsnkError, shapeText } from '../errors.js';
import type { Shape } from '../graph/dim.js';
import { Constant, Graph } from '../graph/graph.js';
import { readTensor, type TensorLike } from '../tensor.js';
import * as functions from './functions.js';
import { Operand } from './operand.js';
import { scalarConstant } from './scalar.js';

export interface OperandDescriptor {
  readonly dataType: DType;
  /** Names stand for dimensions that each run may choose. */
  readonly shape: Shape;
}

type Functions = typeof functions;

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface lists what the loop at the end installs
export class GraphBuilder {
  readonly #graph: Graph;
  constructor(name = 'graph') {
    this.#graph = new Graph(name);
  }

  /** A graph input. */
  input(name: string, descriptor: OperandDescriptor): Operand {
    const { dataType, shape } = descriptor ?? {};
    const where = `input "${name}"`;
    if (!isDType(dataType)) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'dataType must be an ONNX element type', `${String(dataType)} came`);
    if (!Array.isArray(shape) || !shape.every((d) => typeof d === 'string' || (Number.isSafeInteger(d) && d >= 0))) {
      const came = Array.isArray(shape) ? shapeText(shape) : String(shape);
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'shape must be a list of names and non-negative integers', `${came} came`);
    }
    if (this.#graph.inputs.some((v) => v.name === name)) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, 'input names must be unique', 'it came twice');
    return new Operand(this.#graph, this.#graph.addInput(name, dataType, [...shape]));
  }

  /** A tensor known now (copied), or a scalar of an element type. */
  constant(value: TensorLike | number, dataType: DType = 'float32'): Operand {
    if (typeof value === 'number') return new Operand(this.#graph, this.#graph.addConstant(scalarConstant('constant', value, dataType)));
    const t = readTensor(value, 'constant');
    const bytes = new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength).slice();
    return new Operand(this.#graph, this.#graph.addConstant(new Constant(t.dtype, [...t.dims], () => bytes)));
  }

  /** Ends the graph with these outputs, renamed to the keys. Nodes that none of them needs are left out when it is compiled. */
  build(outputs: Readonly<Record<string, Operand>>): Graph {
    if (Object.keys(outputs ?? {}).length === 0) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'build', 'outputs must have at least one operand', 'none came');
    for (const [name, operand] of Object.entries(outputs)) {
      if (operand.graph !== this.#graph)
        throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `output "${name}"`, 'operands must belong to this builder', 'one of another builder came');
      let value = operand.value;
      // An input, a constant or a value that is an output already keeps its name: the output is a copy of it.
      if (value.producer === undefined || this.#graph.outputs.includes(value)) value = (functions.identity(operand) as Operand).value;
      value.name = name;
      this.#graph.outputs.push(value);
    }
    return this.#graph;
  }
}

/** Every function of functions.ts is a method too. */
export interface GraphBuilder extends Functions {}

for (const [name, fn] of Object.entries(functions)) {
  if (typeof fn === 'function') Object.defineProperty(GraphBuilder.prototype, name, { value: fn, writable: true, configurable: true });
}
