import { describe, expect, it } from 'vitest';
import { arrayConstructor, type DType } from '../../lib/dtype.js';
import { broadcastShapes, type Shape } from '../../lib/graph/dim.js';
import { type AttrValue, Constant, Graph } from '../../lib/graph/graph.js';
import { InferenceSession, Tensor } from '../../lib/index.js';
import { parseEquation } from '../../lib/ops/einsum.js';
import { inferNode } from '../../lib/ops/infer.js';
import { mulberry32 } from '../kernels/harness.js';

interface Operand {
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

const count = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

/** Small integers: sums of their products are exact in float32 and float64, so results are compared exactly. */
function operand(seed: number, ...dims: number[]): Operand {
  const next = mulberry32(seed);
  return { dims, values: Array.from({ length: count(dims) }, () => Math.floor(next() * 17) - 8) };
}

interface NodeOptions {
  readonly domain?: string;
  readonly attrs?: Record<string, AttrValue>;
  readonly dtype?: DType;
  /** Which inputs are constants of the graph. */
  readonly constants?: readonly number[];
  readonly threads?: number;
}

async function run(op: string, inputs: readonly (Operand | undefined)[], options: NodeOptions = {}): Promise<Operand> {
  const dtype = options.dtype ?? 'float32';
  const graph = new Graph(op);
  const feeds: Record<string, Tensor> = {};
  const values = inputs.map((x, i) => {
    if (x === undefined) return undefined;
    if (options.constants?.includes(i)) return graph.addConstant(Constant.of(dtype, x.dims, x.values));
    const array = new (arrayConstructor(dtype))(x.values.length);
    x.values.forEach((v, j) => {
      array[j] = array instanceof BigInt64Array || array instanceof BigUint64Array ? BigInt(v) : v;
    });
    feeds[`x${i}`] = new Tensor(dtype as 'float32', array as Float32Array, x.dims);
    return graph.addInput(`x${i}`, dtype, x.dims);
  });
  graph.outputs.push(graph.addNode(op, values, { domain: options.domain ?? '', name: 'y', attrs: options.attrs ?? {} }).output());
  await using session = await InferenceSession.fromGraph(graph, { intraOpNumThreads: options.threads ?? 2 });
  const y = (await session.run(feeds))['y'] as Tensor;
  return { dims: y.dims, values: Array.from(y.data as ArrayLike<number | bigint>, Number) };
}

/** Einsum by its definition: every assignment of every subscript. */
function einsum(equation: string, inputs: readonly Operand[]): Operand {
  const parsed = parseEquation(
    equation,
    inputs.map((x) => x.dims.length),
  );
  if (parsed === undefined) throw new Error(`bad equation ${equation}`);
  const sizes = new Map<string, number>();
  parsed.terms.forEach((term, i) => {
    term.forEach((s, d) => {
      sizes.set(s, Math.max(sizes.get(s) ?? 0, inputs[i]?.dims[d] as number));
    });
  });
  const labels = [...sizes.keys()];
  const dims = parsed.result.map((s) => sizes.get(s) as number);
  const values = new Array<number>(count(dims)).fill(0);
  const at = (list: readonly string[], shape: readonly number[], now: Map<string, number>) =>
    list.reduce((sum, s, d) => sum * (shape[d] as number) + (shape[d] === 1 ? 0 : (now.get(s) as number)), 0);
  const total = count(labels.map((s) => sizes.get(s) as number));
  for (let i = 0; i < total; i++) {
    const now = new Map<string, number>();
    let rest = i;
    for (const s of labels) {
      now.set(s, rest % (sizes.get(s) as number));
      rest = Math.floor(rest / (sizes.get(s) as number));
    }
    const term = parsed.terms.reduce((p, list, n) => p * (inputs[n]?.values[at(list, inputs[n]?.dims ?? [], now)] as number), 1);
    const to = at(parsed.result, dims, now);
    values[to] = (values[to] as number) + term;
  }
  return { dims, values };
}

/** MatMul as an einsum. */
function matmul(a: Operand, b: Operand): Operand {
  const [x, y] = [a.dims.length === 1 ? 'k' : '...mk', b.dims.length === 1 ? 'k' : '...kn'];
  return einsum(`${x},${y}->...${a.dims.length === 1 ? '' : 'm'}${b.dims.length === 1 ? '' : 'n'}`, [a, b]);
}

describe('MatMul', () => {
  it.each<[number[], number[]]>([
    [
      [3, 4],
      [4, 5],
    ],
    [[4], [4]],
    [[4], [4, 5]],
    [[3, 4], [4]],
    [[4], [2, 4, 5]],
    [[2, 3, 4], [4]],
    [
      [2, 3, 4],
      [4, 5],
    ],
    [
      [3, 4],
      [2, 4, 5],
    ],
    [
      [2, 3, 4],
      [2, 4, 5],
    ],
    [
      [2, 1, 3, 4],
      [5, 4, 6],
    ],
    [
      [2, 1, 3, 4],
      [1, 5, 4, 6],
    ],
    [
      [5, 1, 2, 1, 2, 1, 3, 4],
      [1, 2, 1, 3, 1, 2, 4, 2],
    ],
    [
      [17, 70],
      [70, 65],
    ],
    [
      [0, 4],
      [4, 5],
    ],
    [
      [3, 0],
      [0, 5],
    ],
    [
      [2, 3, 4],
      [0, 1, 4, 5],
    ],
  ])('%j · %j', async (x, y) => {
    const [a, b] = [operand(1, ...x), operand(2, ...y)];
    const expected = matmul(a, b);
    expect(await run('MatMul', [a, b])).toEqual(expected);
    expect(await run('MatMul', [a, b], { constants: [1] })).toEqual(expected);
    expect(await run('MatMul', [a, b], { constants: [0, 1] })).toEqual(expected);
    expect(await run('MatMul', [a, b], { dtype: 'float64' })).toEqual(expected);
  });

  it.each<DType>(['int32', 'int64', 'uint32', 'uint64'])('%s', async (dtype) => {
    const absolute = (x: Operand) => ({ ...x, values: x.values.map(Math.abs) });
    const [a, b] = [absolute(operand(1, 2, 3, 20)), absolute(operand(2, 20, 37))];
    expect(await run('MatMul', [a, b], { dtype })).toEqual(matmul(a, b));
  });

  it('infers symbols and refuses what does not meet', () => {
    const infer = (x: Shape, y: Shape) => {
      const graph = new Graph();
      const node = graph.addNode('MatMul', [graph.addInput('x', 'float32', x), graph.addInput('y', 'float32', y)]);
      inferNode(node, { concrete: false });
      return node.output().shape;
    };
    expect(infer(['n', 3, 'k'], ['k', 5])).toEqual(['n', 3, 5]);
    expect(infer(['n', 1, 3, 4], ['h', 4, 's'])).toEqual(['n', 'h', 3, 's']);
    expect(infer([4], ['n', 4, 5])).toEqual(['n', 5]);
    expect(() => infer([3, 4], [5, 6])).toThrow(/inner dimensions must be equal.*4 and 5/);
    expect(() => infer([2, 3, 4], [3, 4, 6])).toThrow(/batch dimensions must broadcast/);
    expect(() => infer([], [3, 4])).toThrow(/at least one dimension/);
    expect(broadcastShapes(['n'], [1])).toEqual(['n']);
  });
});

describe('dsnk.MatMul', () => {
  it('fuses transposes, scale, bias, residual and activation', async () => {
    const [a, b, bias, residual] = [operand(1, 2, 7, 5), operand(2, 2, 9, 7), operand(3, 9), operand(4, 2, 5, 9)];
    const product = einsum('bkm,bnk->bmn', [a, b]);
    const expected = product.values.map((v, i) => Math.max(0, 0.5 * v + (bias.values[i % 9] as number) + (residual.values[i] as number)));
    const attrs = { transA: 1, transB: 1, scale: 0.5, activation: 'relu' };
    expect(await run('MatMul', [a, b, bias, residual], { domain: 'dsnk', attrs, constants: [1, 2] })).toEqual({ dims: [2, 5, 9], values: expected });
    const noBias = product.values.map((v, i) => v + (residual.values[i] as number));
    expect(await run('MatMul', [a, b, undefined, residual], { domain: 'dsnk', attrs: { transA: 1, transB: 1 } })).toEqual({ dims: [2, 5, 9], values: noBias });
  });
  it('shares b along a batch with a residual', async () => {
    const [a, b, residual] = [operand(1, 3, 5, 7), operand(2, 7, 33), operand(4, 3, 5, 33)];
    const expected = matmul(a, b).values.map((v, i) => v + (residual.values[i] as number));
    expect((await run('MatMul', [a, b, undefined, residual], { domain: 'dsnk' })).values).toEqual(expected);
  });
});

describe('Gemm', () => {
  const forms: readonly (readonly number[] | undefined)[] = [undefined, [], [1], [6], [1, 6], [5, 1], [5, 6], [1, 1]];
  it.each(forms)('c %j', async (form) => {
    for (const [transA, transB] of [
      [0, 0],
      [1, 0],
      [0, 1],
      [1, 1],
    ] as const) {
      const a = operand(1, ...(transA ? [4, 5] : [5, 4]));
      const b = operand(2, ...(transB ? [6, 4] : [4, 6]));
      const c = form && operand(3, ...form);
      const product = einsum(`${transA ? 'km' : 'mk'},${transB ? 'nk' : 'kn'}->mn`, [a, b]);
      const [rows, columns] = [1, 1, ...(form ?? [])].slice(-2) as [number, number];
      const values = product.values.map((v, i) => {
        const [m, n] = [Math.floor(i / 6), i % 6];
        return 0.5 * v - 2 * ((c?.values[(rows === 1 ? 0 : m) * columns + (columns === 1 ? 0 : n)] as number | undefined) ?? 0);
      });
      const attrs = { transA, transB, alpha: 0.5, beta: -2 };
      const plus0 = (x: Operand) => ({ ...x, values: x.values.map((v) => v + 0) });
      expect(plus0(await run('Gemm', [a, b, c], { attrs }))).toEqual(plus0({ dims: [5, 6], values }));
      expect(plus0(await run('Gemm', [a, b, c], { attrs, constants: [1, 2], dtype: 'float64' }))).toEqual(plus0({ dims: [5, 6], values }));
    }
  });
  it('gives bias where k is 0', async () => {
    expect(await run('Gemm', [operand(1, 2, 0), operand(2, 0, 3), operand(3, 3)])).toEqual({
      dims: [2, 3],
      values: [...operand(3, 3).values, ...operand(3, 3).values],
    });
  });
});

describe('Einsum', () => {
  it.each<[string, number[][]]>([
    ['ij->ji', [[3, 4]]],
    ['ij->', [[3, 4]]],
    ['ij->i', [[3, 4]]],
    ['ii->i', [[4, 4]]],
    ['ii', [[4, 4]]],
    ['...ii->...i', [[2, 3, 4, 4]]],
    ['i,i', [[9], [9]]],
    ['i,j->ij', [[9], [4]]],
    ['i,j->ji', [[9], [4]]],
    [
      'ij,jk',
      [
        [3, 4],
        [4, 5],
      ],
    ],
    [
      'ij,jk->ki',
      [
        [3, 4],
        [4, 5],
      ],
    ],
    [
      'ij,kj->ik',
      [
        [3, 4],
        [5, 4],
      ],
    ],
    [
      'bij,bjk->bik',
      [
        [2, 3, 4],
        [2, 4, 5],
      ],
    ],
    [
      '...ij,...jk->...ik',
      [
        [2, 1, 3, 4],
        [6, 4, 5],
      ],
    ],
    [
      'bhid,bhjd->bhij',
      [
        [2, 3, 5, 8],
        [2, 3, 6, 8],
      ],
    ],
    [
      'bihd,bjhd->bhij',
      [
        [2, 5, 3, 8],
        [2, 6, 3, 8],
      ],
    ],
    [
      'bhij,bjhd->bihd',
      [
        [2, 3, 5, 6],
        [2, 6, 3, 8],
      ],
    ],
    [
      'abc,cd->abd',
      [
        [2, 3, 4],
        [4, 5],
      ],
    ],
    [
      'abcx,cdy->abd',
      [
        [2, 3, 4, 2],
        [4, 5, 3],
      ],
    ],
    [
      'bi,bi->b',
      [
        [3, 40],
        [3, 40],
      ],
    ],
    [
      'bn,anm,bm->ba',
      [
        [2, 3],
        [4, 3, 5],
        [2, 5],
      ],
    ],
    [
      'ab,bc,cd,de->ae',
      [
        [2, 3],
        [3, 4],
        [4, 5],
        [5, 2],
      ],
    ],
    [
      'iij,jk->ik',
      [
        [4, 4, 3],
        [3, 5],
      ],
    ],
    [
      'ij,jk->ik',
      [
        [3, 0],
        [0, 5],
      ],
    ],
    [
      'ij,jk->ik',
      [
        [0, 3],
        [3, 5],
      ],
    ],
  ])('%s %j', async (equation, shapes) => {
    const inputs = shapes.map((s, i) => operand(i + 1, ...s));
    const expected = einsum(equation, inputs);
    expect(await run('Einsum', inputs, { attrs: { equation } })).toEqual(expected);
    expect(await run('Einsum', inputs, { attrs: { equation }, constants: inputs.map((_, i) => i) })).toEqual(expected);
    expect(await run('Einsum', inputs, { attrs: { equation }, dtype: 'int64' })).toEqual(expected);
  });
  it('uses one constant twice', async () => {
    const x = operand(1, 3, 4, 5);
    const graph = new Graph('twice');
    const c = graph.addConstant(Constant.of('float32', x.dims, x.values));
    graph.outputs.push(graph.addNode('Einsum', [c, c], { name: 'y', attrs: { equation: 'abc,dbc->da' } }).output());
    await using session = await InferenceSession.fromGraph(graph);
    const y = (await session.run({}))['y'] as Tensor;
    expect([...(y.data as Float32Array)]).toEqual(einsum('abc,dbc->da', [x, x]).values);
  });
  it.each(['ij,jk,kl->il', 'ij->ijk', 'ij-jk', 'ijk,jk->i', 'ij,jk->ii', '......,jk'])('refuses %s', (equation) => {
    expect(parseEquation(equation, [2, 2])).toBeUndefined();
  });
});
