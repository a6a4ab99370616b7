/** A slow and plain interpreter of the few operators that random graphs are made of: what a graph means. */
import type { Graph, Node, Value } from '../../lib/graph/graph.js';

interface Tensor {
  readonly dims: readonly number[];
  readonly data: Float64Array;
}

const count = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

/** Every index of a shape, row-major. */
function* indices(dims: readonly number[]): Generator<number[]> {
  const n = count(dims);
  for (let flat = 0; flat < n; flat++) {
    const index = new Array<number>(dims.length);
    let rest = flat;
    for (let k = dims.length - 1; k >= 0; k--) {
      index[k] = rest % (dims[k] as number);
      rest = Math.floor(rest / (dims[k] as number));
    }
    yield index;
  }
}

function at(t: Tensor, index: readonly number[]): number {
  let flat = 0;
  t.dims.forEach((d, k) => {
    flat = flat * d + (index[k] as number);
  });
  return t.data[flat] as number;
}

/** at(), with broadcasting of dimensions of size 1 and of missing leading ones. */
function broadcastAt(t: Tensor, index: readonly number[]): number {
  const lead = index.length - t.dims.length;
  return at(
    t,
    t.dims.map((d, k) => (d === 1 ? 0 : (index[k + lead] as number))),
  );
}

function fill(dims: readonly number[], f: (index: number[]) => number): Tensor {
  return { dims, data: Float64Array.from(indices(dims), f) };
}

const activations: Record<string, (x: number) => number> = {
  none: (x) => x,
  relu: (x) => Math.max(x, 0),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  silu: (x) => x / (1 + Math.exp(-x)),
};

const binary: Record<string, (a: number, b: number) => number> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
};

const unary: Record<string, (x: number) => number> = {
  Relu: (x) => Math.max(x, 0),
  Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  Swish: (x) => x / (1 + Math.exp(-x)),
  Tanh: Math.tanh,
  Sqrt: Math.sqrt,
  Neg: (x) => -x,
};

/** Convolution in either layout; spatial rank 2. */
function conv(node: Node, [x, w, bias, residual, gate]: (Tensor | undefined)[], out: readonly number[]): Tensor {
  if (x === undefined || w === undefined) throw new Error('a convolution needs x and w');
  const last = node.domain === 'dsnk';
  const lastIn = last && node.op !== 'StemConv';
  const pick = (n: number, c: number, h: number, v: number) => (lastIn ? at(x, [n, h, v, c]) : at(x, [n, c, h, v]));
  const [H, W] = (lastIn ? x.dims.slice(1, 3) : x.dims.slice(2)) as [number, number];
  const [M = 0, perGroup = 0, kh = 0, kw = 0] = w.dims;
  const [sh = 1, sw = 1] = node.ints('strides', [1, 1]);
  const [top = 0, left = 0] = node.ints('pads', [0, 0, 0, 0]);
  const group = node.int('group', 1);
  return fill(out, (index) => {
    const [n, m, h, v] = (last ? [index[0], index[3], index[1], index[2]] : index) as [number, number, number, number];
    const base = Math.floor(m / (M / group)) * perGroup;
    let sum = bias === undefined ? 0 : at(bias, [m]);
    for (let c = 0; c < perGroup; c++)
      for (let i = 0; i < kh; i++)
        for (let j = 0; j < kw; j++) {
          const [y, z] = [h * sh - top + i, v * sw - left + j];
          if (y >= 0 && y < H && z >= 0 && z < W)
            sum += pick(n, base + c, y, z) * (gate === undefined ? 1 : (gate.data[base + c] as number)) * at(w, [m, c, i, j]);
        }
    if (residual !== undefined) sum += at(residual, index);
    return (activations[node.string('activation', 'none')] as (x: number) => number)(sum);
  });
}

/** activation(scale·(a·b) + bias + residual), with either operand read transposed. */
function matmul(node: Node, [a, b, bias, residual]: (Tensor | undefined)[], out: readonly number[]): Tensor {
  if (a === undefined || b === undefined) throw new Error('a product needs a and b');
  const [flipA, flipB] = [node.int('transA', 0) !== 0, node.int('transB', 0) !== 0];
  const inner = a.dims.at(flipA ? -2 : -1) as number;
  const two = (flip: boolean, i: number, j: number) => (flip ? [j, i] : [i, j]);
  return fill(out, (index) => {
    const batch = index.slice(0, -2);
    const [row, column] = index.slice(-2) as [number, number];
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += broadcastAt(a, [...batch, ...two(flipA, row, k)]) * broadcastAt(b, [...batch, ...two(flipB, k, column)]);
    sum = sum * node.float('scale', 1) + (bias === undefined ? 0 : at(bias, [column])) + (residual === undefined ? 0 : at(residual, index));
    return (activations[node.string('activation', 'none')] as (x: number) => number)(sum);
  });
}

function reduce(node: Node, x: Tensor, axes: readonly number[], out: readonly number[]): Tensor {
  const gone = new Set(axes.map((a) => (a < 0 ? a + x.dims.length : a)));
  const groups = new Map<string, number[]>();
  for (const index of indices(x.dims)) {
    const key = index.filter((_, k) => !gone.has(k)).join();
    const list = groups.get(key);
    if (list === undefined) groups.set(key, [at(x, index)]);
    else list.push(at(x, index));
  }
  const kept = out.length === x.dims.length;
  return fill(out, (index) => {
    const list = groups.get((kept ? index.filter((_, k) => !gone.has(k)) : index).join()) as number[];
    if (node.op === 'ReduceMax') return Math.max(...list);
    const sum = list.reduce((a, b) => a + b, 0);
    return node.op === 'ReduceSum' ? sum : sum / list.length;
  });
}

function evaluate(node: Node, inputs: readonly (Tensor | undefined)[]): Tensor[] {
  const x = inputs[0] as Tensor;
  const outs = node.outputs.map((v) => v.dims);
  const out = outs[0] as readonly number[];
  const numbers = (i: number) => [...(inputs[i] as Tensor).data];
  const { op } = node;
  const rank = x.dims.length;
  const axis = (a: number) => (a < 0 ? a + rank : a);
  if (op in unary) return [fill(out, (i) => (unary[op] as (x: number) => number)(at(x, i)))];
  if (op in binary) return [fill(out, (i) => (binary[op] as (a: number, b: number) => number)(broadcastAt(x, i), broadcastAt(inputs[1] as Tensor, i)))];
  if (op === 'MatMul') return [matmul(node, [...inputs], out)];
  if (op === 'Conv' || op === 'StemConv' || op === 'GatedConv') return [conv(node, [...inputs], out)];
  if (op.startsWith('Reduce')) return [reduce(node, x, numbers(1), out)];
  switch (op) {
    case 'GlobalAveragePool':
      return [reduce(node, x, node.domain === 'dsnk' ? [1, 2] : [2, 3], out)];
    case 'Transpose': {
      const p = node.ints('perm');
      return [
        fill(out, (index) => {
          const from = new Array<number>(rank);
          p.forEach((f, t) => {
            from[f] = index[t] as number;
          });
          return at(x, from);
        }),
      ];
    }
    case 'Reshape':
    case 'Unsqueeze':
    case 'Flatten':
    case 'Squeeze':
      return [{ dims: out, data: x.data }];
    case 'Expand':
      return [fill(out, (i) => broadcastAt(x, i))];
    case 'Concat': {
      const a = axis(node.int('axis'));
      return [
        fill(out, (index) => {
          let offset = index[a] as number;
          for (const t of inputs as Tensor[]) {
            if (offset < (t.dims[a] as number)) return at(t, index.with(a, offset));
            offset -= t.dims[a] as number;
          }
          throw new Error('past the end');
        }),
      ];
    }
    case 'Split': {
      const a = axis(node.int('axis', 0));
      let begin = 0;
      return outs.map((dims) => {
        const start = begin;
        begin += dims[a] as number;
        return fill(dims, (index) => at(x, index.with(a, start + (index[a] as number))));
      });
    }
    case 'Slice': {
      const starts = numbers(1);
      const axes = numbers(3).map(axis);
      return [
        fill(out, (index) => {
          const from = [...index];
          axes.forEach((a, k) => {
            from[a] = (from[a] as number) + (starts[k] as number);
          });
          return at(x, from);
        }),
      ];
    }
    case 'Softmax': {
      const a = axis(node.int('axis', -1));
      return [
        fill(out, (index) => {
          const row = Array.from({ length: x.dims[a] as number }, (_, k) => at(x, index.with(a, k)));
          const most = Math.max(...row);
          return Math.exp(at(x, index) - most) / row.reduce((sum, v) => sum + Math.exp(v - most), 0);
        }),
      ];
    }
    default:
      throw new Error(`the interpreter does not know ${op}`);
  }
}

/** The results of a graph on given inputs. */
export function interpret(graph: Graph, feeds: readonly Float64Array[]): Float64Array[] {
  const values = new Map<Value, Tensor>();
  const get = (v: Value | undefined): Tensor | undefined => {
    if (v === undefined) return undefined;
    let t = values.get(v);
    if (t === undefined) {
      const data = v.constant?.values();
      if (data === undefined) throw new Error(`"${v.name}" has no value`);
      t = { dims: v.dims, data: Float64Array.from(data) };
      values.set(v, t);
    }
    return t;
  };
  graph.inputs.forEach((v, i) => {
    values.set(v, { dims: v.dims, data: feeds[i] as Float64Array });
  });
  for (const node of graph.nodes) {
    evaluate(node, node.inputs.map(get)).forEach((t, i) => {
      values.set(node.output(i), t);
    });
  }
  return graph.outputs.map((v) => (get(v) as Tensor).data);
}
