/** The session option `precision`: which kernels it brings in, how far results move, what it says where it brings none. */
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../lib/build/builder.js';
import type { Operand } from '../../lib/build/operand.js';
import { type Catalogue, type KernelRow, rowsOn } from '../../lib/compile/catalogue.js';
import { compile as compileGraph } from '../../lib/compile/compile.js';
import { chooseNarrow, type Precision, settled } from '../../lib/compile/precision.js';
import { WeightIndex } from '../../lib/compile/weights.js';
import { compareOutputs, compile, InferenceSession, kernels, ops, Tensor } from '../../lib/index.js';
import { narrowOf } from '../../lib/kernels/narrow.js';
import { native } from '../../lib/runtime/native.js';
import { randomFloats } from '../kernels/harness.js';
import { Build } from '../passes/graphs.js';

const all = native().catalogue();
const isNarrow = (row: KernelRow) => narrowOf(row.dtypes) !== undefined;
/** The table of a processor that has the ISAs of `fast` (neonfp16 here stands for the definition of its row, where the addon has no other) and multiplies faster so. */
const pretend = (fast: readonly string[]): Catalogue => ({
  hash: all.hash,
  kernels: all.kernels
    .filter((k) => k.isa !== 'neonfp16')
    .map((k) =>
      k.dtypes === 'f32f16' && k.isa === 'scalar' && fast.includes('neonfp16') ? { ...k, name: k.name.replace('scalar', 'neonfp16'), isa: 'neonfp16' } : k,
    )
    .map((k) => (isNarrow(k) ? { ...k, usable: k.isa === 'scalar' || fast.includes(k.isa), slow: !fast.includes(k.isa) } : k)),
});

const [K, N] = [48, 40];
const w = randomFloats(K * N, 1);
const filters = randomFloats(32 * 24 * 9, 2);
const few = randomFloats(8 * 24, 3);

/** A product, a strided convolution, one of few channels, a product of two activations. */
function graph() {
  const b = new GraphBuilder('net');
  const x = b.input('x', { dataType: 'float32', shape: [20, K] });
  const image = b.input('image', { dataType: 'float32', shape: [1, 24, 9, 9] });
  const y = b.matmul(x, { type: 'float32', dims: [K, N], data: w }) as Operand;
  const conv = b.conv2d(image, { type: 'float32', dims: [32, 24, 3, 3], data: filters }, { strides: [2, 2], label: 'strided' }) as Operand;
  const thin = b.conv2d(image, { type: 'float32', dims: [8, 24, 1, 1], data: few }, { label: 'few' }) as Operand;
  return b.build({ y, conv, thin, square: b.matmul(b.transpose(x) as Operand, x) as Operand });
}

const feeds = { x: new Tensor('float32', randomFloats(20 * K, 4), [20, K]), image: new Tensor('float32', randomFloats(24 * 81, 5), [1, 24, 9, 9]) };

function kernelsOn(catalogue: Catalogue, precision: Precision) {
  const { steps } = compileGraph(graph(), catalogue, new WeightIndex(), { precision });
  return steps.filter((s) => s.kernel.op === 'gemm' || s.kernel.op === 'conv').map((s) => ({ kernel: s.kernel.name, reason: s.reason }));
}

async function outputs(precision?: Precision, threads = 1) {
  await using session = await InferenceSession.fromGraph(graph(), { intraOpNumThreads: threads, ...(precision && { precision }) });
  const { outputs: results, nodes } = await session.profile(feeds);
  const data = Object.fromEntries(Object.entries(results).map(([name, t]) => [name, t.data as Float32Array]));
  return { data, narrow: nodes.filter((n) => /_b?f16_/.test(n.kernel)).map((n) => n.op) };
}

describe('precision', () => {
  it('is f32 by default: no product is rounded', async () => {
    const byDefault = await outputs();
    expect(byDefault.narrow).toEqual([]);
    expect((await outputs('f32')).data).toEqual(byDefault.data);
  });

  // |a·b - r(a)·r(b)| ≤ (2^-7 + 2^-16)·|a·b| in bfloats, 2·2^-11 so in halves, which add 35.5·2^-11 in the sums (native/kernels/half/product.inl)
  it.each([
    ['bf16', 2 ** -7],
    ['f16', 37.6 * 2 ** -11],
  ] as const)('%s rounds products with constant weights, within its bound, and nothing else', async (precision, relative) => {
    const exact = (await outputs()).data as Record<'y' | 'conv' | 'thin' | 'square', Float32Array>;
    const { data, narrow } = await outputs(precision);
    expect(data['thin']).toEqual(exact.thin);
    expect(data['square']).toEqual(exact.square);
    if (narrow.length === 0) return; // no fast row here: all float32, see below
    expect(narrow.sort()).toEqual(['Conv', 'MatMul']);
    expect(data['y']).not.toEqual(exact.y);
    // all operands lie in [-1, 1]
    for (const [name, k] of [
      ['y', K],
      ['conv', 24 * 9],
    ] as const) {
      exact[name].forEach((v, i) => {
        const error = Math.abs(v - ((data[name] as Float32Array)[i] as number));
        if (!(error <= k * relative)) expect.fail(`${name} ${i}: off by ${error}`);
      });
    }
  });

  it('gives the same bits for every number of threads', async () => {
    const one = await outputs('bf16', 1);
    for (const threads of [2, 3]) expect((await outputs('bf16', threads)).data).toEqual(one.data);
  });

  it('auto is the first of bf16 and f16 of which a row is fast, else f32', () => {
    expect(settled('auto', pretend(['neonfp16']))).toBe('f16');
    expect(settled('auto', pretend(['neonfp16', 'avx512bf16']))).toBe('bf16');
    expect(settled('bf16', pretend(['neonfp16']))).toBe('bf16');
    expect(settled('auto', pretend(['amx', 'avx512bf16']))).toBe('bf16');
    expect(settled('auto', pretend(['avx512bf16']))).toBe('bf16');
    expect(settled('auto', pretend([]))).toBe('f32');
    expect(settled('bf16', pretend([]))).toBe('bf16');
    expect(settled('f32', pretend(['amx']))).toBe('f32');
  });

  it('says why a product stays float32', () => {
    const none = kernelsOn(pretend([]), 'bf16');
    expect(none.filter((s) => s.reason.includes('multiplies bfloat16 no faster')).length).toBe(3);
    expect(none.every((s) => !s.kernel.includes('bf16'))).toBe(true);
    for (const [had, asked, title] of [
      [[], 'f16', 'float16'],
      [['avx512bf16'], 'f16', 'float16'],
      [['neonfp16'], 'bf16', 'bfloat16'],
    ] as const) {
      const steps = kernelsOn(pretend(had), asked);
      expect(steps.filter((s) => s.reason.includes(`since this processor multiplies ${title} no faster`)).length).toBe(3);
      expect(steps.every((s) => !/_b?f16_/.test(s.kernel))).toBe(true);
    }
    for (const asked of ['f16', 'auto'] as const) {
      const halves = kernelsOn(pretend(['neonfp16']), asked);
      expect(halves.filter((s) => s.kernel.endsWith('_f16_neonfp16') && s.reason.startsWith('operands rounded to float16')).length).toBe(2);
    }
    expect(kernelsOn(pretend([]), 'auto').every((s) => !s.reason.includes('float16'))).toBe(true);
    const fast = kernelsOn(pretend(['avx512bf16']), 'bf16');
    expect(fast.filter((s) => s.kernel.endsWith('bf16_avx512bf16')).length).toBe(2);
    expect(fast.filter((s) => s.reason.startsWith('float32, since bfloat16 does not pay for so few channels')).length).toBe(1);
  });

  it('takes tiles of AMX from 16 rows and sums of 32 on, and no slow row in their place', () => {
    const rows = pretend(['amx']);
    expect(chooseNarrow(rows, 'bf16', 'gemm', { m: 16, n: 64, k: 32 }).row?.isa).toBe('amx');
    expect(chooseNarrow(rows, 'bf16', 'gemm', { m: 15, n: 64, k: 32 })).toMatchObject({ refused: expect.stringContaining('so few rows') });
    expect(chooseNarrow(rows, 'bf16', 'conv', { m: 64, n: 64, k: 31 }).row).toBeUndefined();
    expect(chooseNarrow(pretend(['avx512bf16', 'amx']), 'bf16', 'gemm', { m: 1, n: 64, k: 64 }).row?.isa).toBe('avx512bf16');
  });

  it('takes the rows of Hopper where tiles of 128x256 fill it', () => {
    const rows = rowsOn(native().catalogue(), ['sm72', 'sm75', 'sm80', 'sm90'], 4096);
    const isa = (precision: 'f16' | 'bf16', m: number, n: number, k: number) => chooseNarrow(rows, precision, 'gemm', { m, n, k }).row?.isa;
    expect(isa('f16', 8192, 8192, 8192)).toBe('sm90');
    expect(isa('bf16', 1153, 2305, 512)).toBe('sm90');
    expect(isa('f16', 1152, 2560, 512)).toBe('sm75');
    expect(isa('bf16', 8192, 8192, 511)).toBe('sm80');
  });

  it('rounds the operands of attention on GPUs alone, and where that was asked for', () => {
    const kernel = (fast: string, precision: Precision) => {
      const b = new Build();
      const [q, k, v] = ['q', 'k', 'v'].map((name) => b.input(name, [2, 33, 8]));
      const scores = b.op('MatMul', [q, b.op('Transpose', [k], { perm: [0, 2, 1] })]);
      const built = b.done(b.op('MatMul', [b.op('Softmax', [scores], { axis: -1 }), v]));
      const { steps } = compileGraph(built, pretend([fast]), new WeightIndex(), { precision });
      return steps.map((s) => s.kernel.name).find((name) => name.startsWith('attention'));
    };
    expect([kernel('sm80', 'f16'), kernel('sm80', 'bf16')]).toEqual(['attention_f16_sm80', 'attention_bf16_sm80']);
    for (const plain of [kernel('sm80', 'f32'), kernel('avx512bf16', 'bf16'), kernel('neonfp16', 'f16')]) expect(plain).toMatch(/^attention_f32/);
  });

  it('leaves Winograd alone where it saves more', () => {
    const b = new GraphBuilder('conv');
    const x = b.input('x', { dataType: 'float32', shape: [1, 32, 32, 32] });
    const dense = { type: 'float32', dims: [32, 32, 3, 3], data: randomFloats(32 * 32 * 9, 6) } as const;
    const built = b.build({ y: b.conv2d(x, dense, { padding: [1, 1, 1, 1] }) as Operand });
    const kernel = (fast: string, winograd?: boolean, precision: Precision = 'bf16') =>
      compileGraph(built.clone().graph, pretend([fast]), new WeightIndex(), { precision, ...(winograd !== undefined && { winograd }) }).steps.find((s) =>
        s.kernel.op.startsWith('conv'),
      )?.kernel.name;
    expect(kernel('avx512bf16')).toMatch(/winograd/);
    expect(kernel('avx512bf16', false)).toBe('conv_bf16_avx512bf16');
    expect(kernel('amx')).toBe('conv_bf16_amx');
    expect(kernel('neonfp16', true, 'f16')).toMatch(/winograd/);
    expect(kernel('neonfp16', false, 'f16')).toBe('conv_f16_neonfp16');
  });

  it('keeps depthwise blocks in bands where their 1x1 convolutions stay float32, and apart where they do not', () => {
    const block = (channels: number, catalogue: Catalogue, precision: Precision) => {
      const b = new GraphBuilder('block');
      const image = b.input('image', { dataType: 'float32', shape: [1, channels, 48, 48] });
      const hidden = 96;
      const tensor = (dims: number[]) =>
        ({
          type: 'float32',
          dims,
          data: randomFloats(
            dims.reduce((p, d) => p * d),
            8,
          ),
        }) as const;
      const wide = b.conv2d(image, tensor([hidden, channels, 1, 1])) as Operand;
      const deep = b.conv2d(wide, tensor([hidden, 1, 3, 3]), { groups: hidden, padding: [1, 1, 1, 1] }) as Operand;
      const built = b.build({ y: b.conv2d(deep, tensor([24, hidden, 1, 1])) as Operand });
      return compileGraph(built, catalogue, new WeightIndex(), { precision }).steps.map((s) => s.kernel.op);
    };
    for (const channels of [16, 32]) expect(block(channels, pretend(['avx512bf16']), 'f32')).toContain('inverted_residual');
    expect(block(16, pretend(['avx512bf16']), 'bf16')).toContain('inverted_residual');
    expect(block(32, pretend(['avx512bf16']), 'bf16')).not.toContain('inverted_residual');
    expect(block(32, pretend([]), 'bf16')).toContain('inverted_residual');
  });

  it('direct calls take any row by its name', () => {
    const [m, n, k] = [3, 8, 4];
    const [a, b] = [new Float32Array(m * k).fill(1 + 2 ** -12), new Float32Array(k * n).fill(1)];
    for (const kernel of all.kernels.filter((r) => isNarrow(r) && r.op === 'gemm' && r.usable)) {
      const result = kernels.gemm(a, b, { m, n, k }, { kernel: kernel.name });
      expect(result.kernels).toEqual([kernel.name]);
      expect([...result.data]).toEqual(Array(m * n).fill(k));
    }
  });

  it('is taken by compiled functions', async () => {
    const f = (x: Operand) => ops.matmul(x, { type: 'float32', dims: [K, N], data: w });
    const [rounded, plain] = [compile(f, { precision: 'auto' }), compile(f)];
    const { narrow, data } = await outputs('auto');
    expect((await rounded(feeds.x)).data).toEqual(data['y']);
    if (narrow.length > 0) expect((await plain(feeds.x)).data).not.toEqual(data['y']);
    rounded.dispose();
    plain.dispose();
  });

  it('must be one of four words', async () => {
    const refused = { code: 'ERR_DSNK_INVALID_ARGUMENT', message: 'session options: precision must be one of f32, bf16, f16, auto, "fp16" came' };
    await expect(InferenceSession.fromGraph(graph(), { precision: 'fp16' as never })).rejects.toMatchObject(refused);
  });
});

describe('compareOutputs', () => {
  const tensor = (...data: number[]) => new Tensor('float32', Float32Array.from(data), [data.length]);

  it('gives errors relative to the reference, and the ratio of energies', () => {
    const [a] = compareOutputs({ y: tensor(1, -2, 4, 1) }, { y: tensor(1, -2, 3, 1), other: tensor(1) });
    expect(a).toMatchObject({ name: 'y', elements: 4, maxError: 0.25, meanError: 1 / 8, sameLargest: true });
    expect(a?.sqnrDb).toBeCloseTo(10 * Math.log10(22), 6);
    expect(compareOutputs({ y: tensor(1, 2) }, { y: tensor(2, 1) })[0]?.sameLargest).toBe(false);
  });

  it('finds equal outputs equal, infinities and NaN too, and one-sided NaN not', () => {
    const odd = tensor(1, Number.NaN, Number.POSITIVE_INFINITY);
    expect(compareOutputs({ y: odd }, { y: odd })[0]).toMatchObject({ maxError: 0, meanError: 0, sqnrDb: Number.POSITIVE_INFINITY });
    expect(compareOutputs({ y: tensor(0, 0) }, { y: tensor(0, 0) })[0]).toMatchObject({ maxError: 0, sqnrDb: Number.POSITIVE_INFINITY });
    expect(compareOutputs({ y: tensor(1) }, { y: tensor(Number.NaN) })[0]?.maxError).toBeNaN();
  });

  it('leaves out what only one side has, other shapes, and what is not numbers', () => {
    const half = new Tensor('float16', new Uint16Array(1), [1]);
    expect(compareOutputs({ a: tensor(1), b: tensor(1), h: half }, { b: tensor(1, 2), h: half })).toEqual([]);
  });
});
