/**
 * The typed graph builder. Method and option names are WebNN's (W3C, IDL of 2025); what WebNN does not have is marked
 * "ours" in the functions' docs.
 */
import type { DType } from '../dtype.js';
import { dsnkError } from '../errors.js';
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
  input(name: string, { dataType, shape }: OperandDescriptor): Operand {
    if (this.#graph.inputs.some((v) => v.name === name))
      throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', `input "${name}"`, 'input names must be unique', 'it came twice');
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
    if (Object.keys(outputs).length === 0) throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'build', 'outputs must have at least one operand', 'none came');
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
