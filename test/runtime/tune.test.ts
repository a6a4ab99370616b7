/** `tune`: every way of a site computes the same, measured choices are kept, and kept choices decide alone. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../lib/build/builder.js';
import type { Operand } from '../../lib/build/operand.js';
import { compile as compileGraph } from '../../lib/compile/compile.js';
import { WeightIndex } from '../../lib/compile/weights.js';
import type { Graph } from '../../lib/graph/graph.js';
import { compile, InferenceSession, ops, type SessionOptions, Tensor } from '../../lib/index.js';
import { LoadedProgram } from '../../lib/runtime/loaded-program.js';
import { nativeCatalogue } from '../../lib/runtime/model.js';
import { native } from '../../lib/runtime/native.js';
import { allocate } from '../../lib/tensor.js';
import { randomFloats } from '../kernels/harness.js';

const folder = mkdtempSync(join(tmpdir(), 'dsnk-tune-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
/** So that each operator is a site of its own. */
const apart = { skipPasses: ['fuse-bands'] };
const newFile = () => join(folder, `choices-${files++}.json`);

const SIZE = 18;
const random = (...dims: number[]) =>
  new Tensor(
    'float32',
    randomFloats(
      dims.reduce((a, b) => a * b),
      dims.length,
    ),
    dims,
  );
const weights = (seed: number, ...dims: number[]) => ({
  type: 'float32' as const,
  dims,
  data: randomFloats(
    dims.reduce((a, b) => a * b),
    seed,
    -0.2,
    0.2,
  ),
});

/** One site of every kind: stem, 3x3, depthwise, 1x1 with bias, activation and residual, products with few rows. */
function network(batch: number | string = 1): Graph {
  const b = new GraphBuilder('network');
  const x = b.input('x', { dataType: 'float32', shape: [batch, 3, SIZE, SIZE] });
  const same = { padding: [1, 1, 1, 1] } as const;
  const stem = b.relu(b.conv2d(x, weights(1, 20, 3, 3, 3), same)) as Operand;
  const dense = b.relu(b.conv2d(stem, weights(2, 20, 20, 3, 3), same)) as Operand;
  const channels = b.relu(b.conv2d(dense, weights(3, 20, 1, 3, 3), { ...same, groups: 20 })) as Operand;
  const point = b.conv2d(channels, weights(4, 20, 20, 1, 1), { bias: weights(5, 20) }) as Operand;
  const sum = b.relu(b.add(point, stem)) as Operand;
  const flat = b.matmul(b.reduceMean(sum, { axes: [2, 3], keepDimensions: false }) as Operand, weights(6, 20, 40)) as Operand;
  return b.build({ y: b.matmul(flat, b.transpose(weightsOf(b, 7, 30, 40)) as Operand) as Operand, sum });
}
const weightsOf = (b: GraphBuilder, seed: number, ...dims: number[]) => b.constant(weights(seed, ...dims));

interface Kept {
  format: string;
  machines: Record<string, Record<string, { kernel: string; us: Record<string, number> }>>;
}
const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as Kept;
const sitesOf = (file: string) => Object.values(read(file).machines)[0] as Kept['machines'][string];

async function profile(options: SessionOptions, graph = network(), batch = 1) {
  await using session = await InferenceSession.fromGraph(graph, { intraOpNumThreads: 1, ...apart, ...options });
  const { outputs, nodes } = await session.profile({ x: random(batch, 3, SIZE, SIZE) });
  return { outputs: Object.values(outputs).map((t) => t.data as Float32Array), nodes, measured: nodes.filter((n) => n.reason.startsWith('measured')) };
}

/** The network with every site in its nth way, or its last. */
function runWay(nth: number): { outputs: Float32Array[]; kernels: string[]; most: number } {
  let most = 0;
  const compiled = compileGraph(network(), nativeCatalogue(), new WeightIndex(), {
    ...apart,
    choose: (_, names) => {
      most = Math.max(most, names.length);
      return { name: names[Math.min(nth, names.length - 1)] as string, reason: `way ${nth}` };
    },
  });
  const store = native().createStore(false);
  let program: LoadedProgram | undefined;
  LoadedProgram.load(compiled, store, { threads: 1, keepSources: true, sync: true }, 'way', (_, p) => {
    program = p;
  });
  const outputs = compiled.graph.outputs.map((v) => allocate(v.type, v.dims) as Float32Array);
  program?.runSync([random(1, 3, SIZE, SIZE).data as Float32Array], outputs);
  program?.dispose();
  native().dispose(store);
  return { outputs, kernels: compiled.steps.filter((s) => s.site !== undefined).map((s) => s.kernel.name), most };
}

/** Values below 2, sums of at most 180 products below 0.4: a few hundred roundings of 2^-24, and some for tiles. */
function close(a: readonly Float32Array[], b: readonly Float32Array[]): void {
  for (const [k, list] of a.entries()) for (const [i, v] of list.entries()) expect(Math.abs(v - (b[k]?.[i] as number))).toBeLessThan(5e-5);
}

describe('ways', () => {
  it('all compute the same', () => {
    const first = runWay(0);
    expect(first.most).toBeGreaterThan(1);
    const seen = new Set(first.kernels);
    for (let nth = 1; nth < first.most; nth++) {
      const other = runWay(nth);
      close(other.outputs, first.outputs);
      for (const k of other.kernels) seen.add(k);
    }
    const kinds = new Set([...seen].map((k) => k.replace(/_[^_]+$/, '')));
    expect([...kinds].sort()).toEqual(['conv_f32', 'conv_winograd2_f32', 'conv_winograd_f32', 'depthwise_f32', 'gemm_direct_f32', 'gemm_f32', 'stem_f32']);
  });
});

describe('tune', () => {
  it('gives every site a measured kernel', async () => {
    const [plain, tuned] = [await profile({}), await profile({ tune: { budgetMs: 20 } })];
    expect(plain.measured).toEqual([]);
    expect(tuned.measured.length).toBe(plain.nodes.filter((n) => /^(stem|conv|depthwise|gemm)/.test(n.kernel)).length);
    expect(tuned.measured[0]?.reason).toMatch(/^measured [\d.]+ ms(, \w+ [\d.e-]+ ms)+$/);
    close(tuned.outputs, plain.outputs);
  });

  it('keeps choices in a file, which then decide: the same bits, nothing measured', async () => {
    const file = newFile();
    const first = await profile({ tune: { file, budgetMs: 20 } });
    const written = statSync(file).mtimeMs;
    for (let i = 0; i < 3; i++) {
      const again = await profile({ tune: { file } });
      expect(again.outputs).toEqual(first.outputs);
      expect(again.nodes.map((n) => [n.kernel, n.reason])).toEqual(first.nodes.map((n) => [n.kernel, n.reason]));
    }
    expect(statSync(file).mtimeMs).toBe(written);
    expect(readdirSync(folder).filter((f) => f.endsWith('.part'))).toEqual([]);
    // The other ways, by the file alone.
    const kept = read(file);
    for (const site of Object.values(sitesOf(file))) expect(Object.keys(site.us)).toContain(site.kernel);
    for (const sites of Object.values(kept.machines)) for (const site of Object.values(sites)) site.kernel = Object.keys(site.us).at(-1) as string;
    writeFileSync(file, JSON.stringify(kept));
    const turned = await profile({ tune: { file } });
    expect(turned.measured.map((n) => n.kernel)).toEqual(runWay(9).kernels);
    expect(turned.outputs).toEqual(runWay(9).outputs);
  });

  it('measures again on another machine, build, thread count or setting, and keeps what the file has for others', async () => {
    const file = newFile();
    await profile({ tune: { file, budgetMs: 5 } });
    const kept = read(file);
    const [machine, sites] = Object.entries(kept.machines)[0] as [string, Kept['machines'][string]];
    expect(machine).toContain(native().cpu().isa);
    writeFileSync(file, JSON.stringify({ ...kept, machines: { 'another machine': sites } }));
    await profile({ tune: { file, budgetMs: 5 } });
    expect(Object.keys(read(file).machines)).toEqual(['another machine', machine]);
    await profile({ tune: { file, budgetMs: 5 }, intraOpNumThreads: 2 });
    const { nodes } = await profile({ tune: { file, budgetMs: 5 }, winograd: false });
    expect(Object.keys(read(file).machines)).toHaveLength(4);
    expect(nodes.filter((n) => n.kernel.includes('winograd') || n.reason.includes('winograd'))).toEqual([]);
    expect(read(file).machines['another machine']).toEqual(sites);
  });

  it.each([
    ['no JSON', 'not { json'],
    ['another format', '{"format":"other","machines":{}}'],
    ['no record of machines', '{"format":"ds-native-kernels choices 1","machines":[1]}'],
    ['sites of another kind', '{"format":"ds-native-kernels choices 1","machines":{"m":{"__proto__":3,"s":{"kernel":"k","us":{"k":"1"}}}}}'],
  ])('writes a damaged file anew: %s', async (_, text) => {
    const file = newFile();
    writeFileSync(file, text);
    expect((await profile({ tune: { file, budgetMs: 5 } })).measured.length).toBeGreaterThan(0);
    expect(Object.keys(read(file).machines)).toHaveLength(1);
  });

  it('ignores kernels that the site does not offer', async () => {
    const file = newFile();
    await profile({ tune: { file, budgetMs: 5 } });
    const kept = read(file);
    for (const site of Object.values(Object.values(kept.machines)[0] ?? {})) Object.assign(site, { kernel: 'copy_scalar', us: { copy_scalar: 1 } });
    writeFileSync(file, JSON.stringify(kept));
    const { nodes } = await profile({ tune: { file, budgetMs: 5 } });
    expect(nodes.map((n) => n.kernel)).not.toContain('copy_scalar');
    expect(Object.values(sitesOf(file)).filter((s) => s.kernel === 'copy_scalar')).toEqual([]);
  });

  it('keeps what sessions of several processes find at the same moment', async () => {
    const file = newFile();
    const child = `
      const { keepChoices } = await import(${JSON.stringify(join(process.cwd(), 'dist/runtime/choices-file.js'))});
      const { workOff, workOffSync } = await import(${JSON.stringify(join(process.cwd(), 'dist/runtime/work.js'))});
      for (let i = 0; i < 25; i++) {
        const choices = { [process.argv[1] + i]: { kernel: 'k', us: { k: i } } };
        if (i % 2) workOffSync(keepChoices(${JSON.stringify(file)}, 'machine', choices));
        else await Promise.all([workOff(keepChoices(${JSON.stringify(file)}, 'machine', choices)), workOff(keepChoices(${JSON.stringify(file)}, 'other', choices))]);
      }`;
    await Promise.all(['a', 'b', 'c'].map((name) => promisify(execFile)(process.execPath, ['--input-type=module', '-e', child, name])));
    expect(Object.keys(read(file).machines['machine'] ?? {})).toHaveLength(75);
    expect(Object.keys(read(file).machines['other'] ?? {})).toHaveLength(39);
    expect(readdirSync(folder).filter((f) => f.endsWith('.lock'))).toEqual([]);
  });

  it('takes the place of a session that died while it saved', async () => {
    const file = newFile();
    writeFileSync(`${file}.lock`, '');
    utimesSync(`${file}.lock`, 1, 1);
    await profile({ tune: { file, budgetMs: 5 } });
    expect(Object.keys(read(file).machines)).toHaveLength(1);
  });

  it.skipIf(process.getuid?.() === 0)('works, with a warning, where the file cannot be written', async () => {
    const locked = mkdtempSync(join(folder, 'locked-'));
    chmodSync(locked, 0o500);
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    expect((await profile({ tune: { file: join(locked, 'choices.json'), budgetMs: 5 } })).measured.length).toBeGreaterThan(0);
    expect((await warned).message).toMatch(/could not be kept/);
  });

  it('works, with a warning, where the folder is missing', async () => {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    expect((await profile({ tune: { file: join(folder, 'missing', 'choices.json'), budgetMs: 5 } })).measured.length).toBeGreaterThan(0);
    expect((await warned).message).toMatch(/could not be kept/);
  });

  it('leaves nothing beside a file that cannot be replaced', async () => {
    const parent = mkdtempSync(join(folder, 'parent-'));
    mkdirSync(join(parent, 'choices.json'));
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    await profile({ tune: { file: join(parent, 'choices.json'), budgetMs: 5 } });
    expect((await warned).message).toMatch(/could not be kept/);
    expect(readdirSync(parent)).toEqual(['choices.json']);
  });

  it.each([Number.POSITIVE_INFINITY, Number.NaN, 0, '5', Object.create(null)])('refuses a budget that has no end or is none (%#)', async (budgetMs) => {
    const options = { tune: { budgetMs } } as SessionOptions;
    await expect(InferenceSession.fromGraph(network(), options)).rejects.toMatchObject({ code: 'ERR_DSNK_INVALID_ARGUMENT' });
  });

  it('measures each shape of a model with symbolic dimensions, also on the calling thread', async () => {
    const file = newFile();
    await using session = await InferenceSession.fromGraph(network('n'), { intraOpNumThreads: 1, ...apart, tune: { file, budgetMs: 5 } });
    const one = session.runSync({ x: random(1, 3, SIZE, SIZE) });
    const sites = Object.keys(sitesOf(file)).length;
    const { nodes } = await session.profile({ x: random(2, 3, SIZE, SIZE) });
    expect(nodes.filter((n) => n.reason.startsWith('measured')).length).toBeGreaterThan(0);
    expect(Object.keys(sitesOf(file)).length).toBeGreaterThan(sites);
    const fixed = await profile({ tune: { file } });
    expect(Object.values(one).map((t) => t.data)).toEqual(fixed.outputs);
  });

  it('leaves the event loop free', async () => {
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    await profile({ tune: { budgetMs: 400 } });
    clearInterval(timer);
    // The compiles of a small network are the longest stretches; the limit leaves room for a busy machine.
    expect(longest).toBeLessThan(200);
  });

  it('goes with compiled functions', async () => {
    const f = compile((x: Operand) => ops.matmul(x, weights(1, 64, 64)), { tune: true });
    const plain = compile((x: Operand) => ops.matmul(x, weights(1, 64, 64)));
    close([(await f(random(4, 64))).data as Float32Array], [(await plain(random(4, 64))).data as Float32Array]);
    f.dispose();
    plain.dispose();
  });

  it.each([
    ['fast', 'tune must be true, false or an object, "fast" came'],
    [{ file: 3 }, 'tune.file must be a path, 3 came'],
    [{ file: '' }, 'tune.file must be a path, "" came'],
    [{ file: '\0' }, 'tune.file must be a path, "\0" came'],
    [{ files: 'choices.json' }, 'tune must have no other keys than file and budgetMs, "files" came'],
    [{ budgetMs: -1 }, 'tune.budgetMs must be positive and at most 600000, -1 came'],
    [{ budgetMs: 1e300 }, 'tune.budgetMs must be positive and at most 600000, 1e+300 came'],
  ])('refuses %j', async (tune, message) => {
    await expect(InferenceSession.fromGraph(network(), { tune: tune as never })).rejects.toMatchObject({
      code: 'ERR_DSNK_INVALID_ARGUMENT',
      message: `session options: ${message}`,
    });
  });
});
