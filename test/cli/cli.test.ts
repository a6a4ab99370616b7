/** The command line as a user meets it: exit codes, one JSON document on stdout, decoration on stderr. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { coresOf } from '../../lib/cli/board.js';
import { jsonText } from '../../lib/cli/output.js';
import { exportModel, GraphBuilder } from '../../lib/index.js';
import { randomFloats } from '../kernels/harness.js';
import { encode, f32, node } from '../onnx/models.js';

const folder = mkdtempSync(join(tmpdir(), 'dsnk-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
function cli(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}, node: readonly string[] = []): Answer {
  const { NO_COLOR: _, FORCE_COLOR: __, NODE_OPTIONS: ___, ...rest } = process.env;
  return spawnSync(process.execPath, [...node, program, ...args], { encoding: 'utf8', env: { ...rest, ...env }, cwd: folder });
}
/** Runs a command that must succeed and print exactly one JSON document. */
// biome-ignore lint/suspicious/noExplicitAny: documents of many shapes
function json(...args: string[]): any {
  const { status, stdout, stderr } = cli([...args, '--json']);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return JSON.parse(stdout);
}

const file = (name: string, bytes: Uint8Array | string) => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

function model(): Uint8Array {
  const b = new GraphBuilder('two layers');
  const x = b.input('x', { dataType: 'float32', shape: ['batch', 8] });
  const layer = (v: typeof x, seed: number, label: string) => b.relu(b.matmul(v, { type: 'float32', dims: [8, 8], data: randomFloats(64, seed) }, { label }));
  return exportModel(b.build({ y: layer(layer(x, 1, 'one'), 2, 'two') }));
}
const good = file('good.onnx', model());
const picture = (() => {
  const b = new GraphBuilder('picture');
  const x = b.input('image', { dataType: 'float32', shape: [1, 3, 8, 8] });
  return file('picture.onnx', exportModel(b.build({ scores: b.reduceMean(x, { axes: [2, 3] }) })));
})();
const windowed = (() => {
  const b = new GraphBuilder('windowed');
  const x = b.input('image', { dataType: 'float32', shape: [1, 3, 'height', 'width'] });
  return file('windowed.onnx', exportModel(b.build({ y: b.maxPool2d(x, { windowDimensions: [3, 3] }) })));
})();
const bad = file(
  'bad.onnx',
  encode({ name: 'bad', input: [f32('x', 1)], output: [f32('y', 1)], node: [node('NoSuchOperator', ['x'], ['a']), node('NorThis', ['a'], ['y'])] }),
);
const npy = (descr: string, shape: string, body: Uint8Array) => {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117, ' ').concat('\n');
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), Buffer.from([118, 0]), Buffer.from(header, 'latin1'), body]);
};
const ones = Float32Array.from({ length: 16 }, () => 1);

describe('standard output', () => {
  it('may be closed early, and a full disk is one line', () => {
    const path = file('closed.onnx', model());
    const shell = (tail: string) => spawnSync('bash', ['-c', `"$0" "$1" inspect "$2" --json ${tail}`, process.execPath, program, path], { encoding: 'utf8' });
    expect(shell('| true').stderr).toBe('');
    const { status, stderr } = shell('> /dev/full');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^[^\n]*no space left on device[^\n]*\n$/);
  });
});

describe('info', () => {
  it('tells the machine', () => {
    const document = json('info');
    expect(document.cpu.isas).toContain(document.cpu.isa);
    expect(document.kernels.usable).toBeGreaterThan(10);
    expect(document.gpu).toMatchObject({ usable: false });
    expect(document.operators).toBeGreaterThan(100);
    const { status, stdout } = cli(['info']);
    expect(status).toBe(0);
    expect(stdout).toContain('CPU');
  });
  it('knows the cap of DSNK_ISA, and a wrong one', () => {
    expect(JSON.parse(cli(['info', '--json'], { DSNK_ISA: 'scalar' }).stdout).cpu.isa).toBe('scalar');
    const { isas } = json('info').cpu;
    const { status, stdout } = cli(['info'], { DSNK_ISA: 'mmx' });
    expect(status).toBe(0);
    expect(stdout).toContain(`DSNK_ISA: must be one of ${isas.join(', ')} on this processor, "mmx" came`);
    const refused = cli(['run'], { DSNK_ISA: 'mmx' });
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/^ERR_DSNK_INVALID_ARGUMENT: DSNK_ISA: must be one of /);
  });
});

describe('inspect', () => {
  it('prints kernels, reasons and the memory plan', () => {
    const { status, stdout } = cli(['inspect', good, '--graph', '--program']);
    expect(status).toBe(0);
    for (const part of ['x: float32[batch,8]', 'y: float32[batch,8]', 'MatMul 2', 'gemm', 'arena', 'lower bound', 'symbolic dimensions were taken as 1'])
      expect(stdout).toContain(part);
    const document = json('inspect', good, '--dim', 'batch=4');
    expect(document.inputs).toEqual([{ name: 'x', isTensor: true, type: 'float32', shape: [4, 8] }]);
    expect(document.stages[0].kernels.length).toBeGreaterThanOrEqual(2);
    expect(document.stages[0].kernels[0]).toMatchObject({ kernel: expect.stringMatching(/^gemm/), reason: expect.any(String) });
    expect(document.stages[0].memory.arenaBytes).toBeGreaterThanOrEqual(document.stages[0].memory.lowerBoundBytes);
  });
  it('lists all that is unsupported and exits with 1', () => {
    const { status, stdout, stderr } = cli(['inspect', bad]);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('ERR_DSNK_UNSUPPORTED_OP');
    for (const part of ['NoSuchOperator "a"', 'NorThis "y"']) expect(stderr).toContain(part);
    expect(stderr).not.toContain('    at '); // no stack
    const quiet = cli(['inspect', bad, '--json']);
    expect(quiet.status).toBe(1);
    expect(JSON.parse(quiet.stdout).error).toMatchObject({ code: 'ERR_DSNK_UNSUPPORTED_OP', message: expect.stringContaining('NorThis "y"') });
  });
  it('tells inputs and operators where the sizes it guesses do not fit', () => {
    const { status, stdout, stderr } = cli(['inspect', windowed]);
    expect(status).toBe(1);
    for (const part of ['inputs', 'float32[', 'operators']) expect(stdout).toContain(part);
    expect(stderr).toMatch(/--dim height=<size> --dim width=<size>/);
    const quiet = cli(['inspect', windowed, '--json']);
    expect(quiet.status).toBe(1);
    expect(JSON.parse(quiet.stdout)).toMatchObject({ inputs: [expect.anything()], stages: [], error: { code: 'ERR_DSNK_SHAPE_MISMATCH' } });
  });
});

describe('run', () => {
  const shape = (input: string) => json('run', good, '--input', `x=${input}`, '--dim', 'batch=2', '--repeat', '1').outputs.y;
  it('takes .npy, raw bytes, zeros and noise', () => {
    const expected = { type: 'float32', dims: [2, 8] };
    expect(shape(file('x.npy', npy('<f4', '(2, 8)', new Uint8Array(ones.buffer))))).toEqual(expected);
    expect(shape(file('x.bin', new Uint8Array(ones.buffer)))).toEqual(expected);
    for (const source of ['zeros', 'random']) expect(shape(source)).toEqual(expected);
    const { stdout } = cli(['run', good, '--input', 'x=zeros', '--repeat', '1']);
    expect(stdout).toMatch(/y float32\[1,8\] {2}0, 0, 0/);
  });
  it('profiles and traces', () => {
    const { status, stdout } = cli(['run', good, '--profile', '--trace', 'trace.json', '--repeat', '1']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/µs\s+share\s+tiles\s+kernel\s+operator\s+node/);
    const trace = JSON.parse(readFileSync(join(folder, 'trace.json'), 'utf8'));
    expect(trace.traceEvents.length).toBeGreaterThanOrEqual(2);
    for (const event of trace.traceEvents)
      expect(event).toMatchObject({ ph: 'X', name: expect.any(String), ts: expect.any(Number), dur: expect.any(Number), pid: 1, tid: 1 });
    const document = json('run', good, '--profile', '--repeat', '3');
    expect(document.timeMs.runs).toBe(3);
    expect(document.profile[0].kernel).toMatch(/^gemm/);
    expect(document.threads).toBeGreaterThan(0);
  });
  it.each<[string, string[], RegExp]>([
    ['a model that is not there', ['run', 'nowhere.onnx'], /ERR_DSNK_INVALID_MODEL: model ".*nowhere\.onnx": file must be readable/],
    ['an input that is none', ['run', good, '--input', 'z=random'], /--input: must be <name>=<file\|random\|zeros> with a name of x, "z=random" came/],
    ['a file of the wrong size', ['run', good, '--input', `x=${file('short.bin', new Uint8Array(7))}`], /must hold 32 bytes .* 7 came/],
    ['an array that is none', ['run', good, '--input', `x=${file('no.npy', 'hello')}`], /must be a \.npy file/],
    [
      'Fortran order',
      [
        'run',
        good,
        '--input',
        `x=${file('f.npy', Buffer.from(npy('<f4', '(2, 8)', new Uint8Array(64)).toString('latin1').replace('False', 'True '), 'latin1'))}`,
      ],
      /C order/,
    ],
    [
      'an array of the wrong shape',
      ['run', good, '--input', `x=${file('w.npy', npy('<f4', '(4, 4)', new Uint8Array(64)))}`],
      /shape must be \[batch,8\], \[4,4\] came/,
    ],
    ['a dimension that is none', ['run', good, '--dim', 'batch=two'], /--dim: must be <name>=<size>/],
    ['a dimension that no input has', ['run', good, '--dim', 'rows=2'], /--dim: must name one of batch, "rows" came/],
    ['a dimension to inspect that no input has', ['inspect', good, '--dim', 'rows=2'], /--dim: must name one of batch, "rows" came/],
    ['a file of an input that is a folder', ['run', good, '--input', 'x=.'], /--input: must name a readable file, EISDIR/],
    ['labels that are not there', ['run', good, '--labels', 'no/such.json'], /--labels: must name a readable file, ENOENT/],
    ['a dimension of a model without any', ['run', picture, '--dim', 'batch=2'], /--dim: must be left out: the model has no symbolic dimensions/],
    ['a size too small for a window', ['run', windowed], /must be at least as long as the window[\s\S]*--dim height=<size> --dim width=<size>/],
    ['a picture that is none', ['run', picture, '--image', good], /--image .*good\.onnx: must be a picture that sharp can read/],
    ['a picture without a name', ['run', picture, '--image', ''], /--image : must be a picture that sharp can read/],
    ['a name of no kernel call', ['bench', 'kernel', '--filter', 'nothing'], /--filter: must be part of the name of a call/],
    ['labels that are not there', ['run', good, '--labels', 'none.json'], /none\.json/],
    ['a trace where no file can be', ['run', good, '--trace', 'no/trace.json'], /--trace: must name a file that can be written, ENOENT/],
    ['labels that are none', ['run', good, '--labels', good], /--labels: must be a JSON array of class names/],
    ['a picture for a model that takes none', ['run', good, '--image', 'daisy.jpg'], /model must have a float32 input/],
  ])('fails with 1 on %s', (_, args, message) => {
    const { status, stdout, stderr } = cli(args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(status).toBe(1);
    expect(stdout).toBe('');
  });
  it('ranks classes only where the output is scores of classes', () => {
    const scene = fileURLToPath(new URL('../../models/shapes.png', import.meta.url));
    expect(json('run', picture, '--image', scene, '--repeat', '1').top).toHaveLength(1);
    const map = json('run', windowed, '--image', scene, '--dim', 'height=12', '--dim', 'width=9', '--repeat', '1');
    expect(map.top).toEqual([]);
    expect(map.outputs.y.dims).toEqual([1, 3, 10, 7]);
  });
  it('says how to get sharp where it is missing', () => {
    // A resolver that does not find the package, as on a machine without it.
    file(
      'hide.mjs',
      `export const resolve = (name, context, next) => { if (name === 'sharp') throw new Error("Cannot find package 'sharp'"); return next(name, context); };`,
    );
    const loader = file('loader.mjs', `import { register } from 'node:module'; register('./hide.mjs', import.meta.url);`);
    const { status, stderr } = cli(['run', picture, '--image', 'daisy.jpg'], {}, ['--import', loader]);
    expect(stderr).toMatch(/--image: the package sharp must be installed to decode pictures: run `npm i sharp`/);
    expect(status).toBe(1);
  });
});

describe('usage', () => {
  it.each([
    [['frobnicate']],
    [['run', good, '--frobnicate']],
    [['inspect']],
    [['run', good, '--repeat', 'many']],
    [['run', good, '--threads', '0']],
    [['bench', 'model']],
    [['bench', 'model', good, '--precision', 'int8']],
    [['bench', 'kernel', '--seconds', '-1']],
  ])('%j is wrong', (args) => {
    const { status, stdout, stderr } = cli(args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: /);
  });
  it('helps', () => {
    const { status, stdout } = cli(['--help']);
    expect(status).toBe(0);
    for (const command of ['info', 'inspect', 'run', 'bench']) expect(stdout).toContain(command);
    expect(cli(['--version']).stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

describe('colour', () => {
  const colour = '\u001b[';
  it('is for terminals, unless it is asked for or forbidden', () => {
    expect(cli(['info']).stdout).not.toContain(colour);
    expect(cli(['info'], { FORCE_COLOR: '1' }).stdout).toContain(colour);
    expect(cli(['info'], { FORCE_COLOR: '0' }).stdout).not.toContain(colour);
    expect(cli(['info'], { FORCE_COLOR: '1', NO_COLOR: '1' }).stdout).not.toContain(colour);
    expect(cli(['info', '--json'], { FORCE_COLOR: '1' }).stdout).not.toContain(colour);
  });
});

describe('bench', () => {
  it('measures the machine in one document', () => {
    const some = expect.any(Number);
    const document = json('bench', '--seconds', '0.005');
    expect(document).toEqual({
      format: 1,
      date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
      package: expect.stringMatching(/^\d+\.\d+\.\d+/),
      node: process.version,
      addon: expect.stringMatching(/\.node$/),
      board: {
        name: document.board.name === null ? null : expect.any(String),
        system: {
          platform: 'linux',
          kernel: expect.any(String),
          kernelMachine: expect.any(String),
          nodeArch: process.arch,
          libc: expect.stringMatching(/^(glibc 2|musl)/),
        },
        memory: { totalBytes: some, freeBytes: some },
        cores: expect.arrayContaining([expect.objectContaining({ count: some })]),
        clocks: expect.any(Array),
      },
      cpu: json('info').cpu,
      temperatureCelsius: {
        before: document.temperatureCelsius.before === null ? null : some,
        after: document.temperatureCelsius.after === null ? null : some,
      },
      peaks: expect.arrayContaining([{ isa: 'scalar', dtypes: 'f32', gflops: some }]),
      reads: ['L1d', 'L2', 'memory'].map((from) => ({ from, sizeBytes: some, gigabytesPerSecond: some })),
      kernels: expect.any(Array),
      bundledModel: expect.arrayContaining([{ threads: 1, bestMs: some, medianMs: some, p95Ms: some, runs: some }]),
    });
    const kinds = document.peaks.map((p: { isa: string; dtypes: string }) => `${p.isa} ${p.dtypes}`);
    expect(new Set(kinds).size).toBe(kinds.length);
    for (const kind of ['gemm ', 'conv 1x1 ', 'conv 3x3 ', 'depthwise'])
      expect(document.kernels).toContainEqual({
        name: expect.stringContaining(kind),
        kernel: expect.any(String),
        bestUs: some,
        medianUs: some,
        gflops: some,
        peakGflops: some,
      });
    const page = readFileSync(fileURLToPath(new URL('../../bench/README.md', import.meta.url)), 'utf8');
    for (const name of Object.keys(document)) expect(page).toMatch(new RegExp(`\`${name}[.\`]`));
    expect(cli(['bench', '--seconds', '0.005']).stdout).toContain('bundled model: best');
  });
  it('counts equal cores', () => {
    const arm = (n: number, part: string) => `processor\t: ${n}\nBogoMIPS\t: 108.00\nCPU implementer\t: 0x41\nCPU part\t: ${part}\nCPU revision\t: 3\n`;
    expect(coresOf(`${[arm(0, '0xd03'), arm(1, '0xd03'), arm(2, '0xd08')].join('\n')}\nHardware\t: BCM2835\nModel\t\t: Raspberry Pi 4`)).toEqual([
      { count: 2, implementer: '0x41', part: '0xd03', revision: '3' },
      { count: 1, implementer: '0x41', part: '0xd08', revision: '3' },
    ]);
    expect(coresOf('')).toEqual([]);
  });
  it('measures a model', () => {
    const document = json('bench', 'model', good, '--seconds', '0.05', '--threads', '1', '--dim', 'batch=2');
    expect(document).toMatchObject({ threads: 1, machine: { package: expect.any(String) } });
    expect(document.bestMs).toBeLessThanOrEqual(document.medianMs);
    expect(cli(['bench', 'model', good, '--seconds', '0.05']).stdout).toMatch(/best .* median .* p95/);
  });
  it('says what a precision costs', () => {
    const document = json('bench', 'model', good, '--seconds', '0.05', '--precision', 'bf16', '--accuracy');
    for (const a of document.accuracy) expect(a.sqnrDb === null || a.sqnrDb > 30).toBe(true); // JSON has no infinity: equal
    expect(document.accuracy.length).toBeGreaterThan(0);
    const { stdout } = cli(['run', good, '--repeat', '1', '--precision', 'auto', '--accuracy']);
    expect(stdout).toMatch(/against float32 +elements +max error +mean error +SQNR dB/);
    expect(cli(['run', good, '--precision', 'f8']).status).toBe(2);
  });
  it('measures kernels beside the peak', () => {
    const document = json('bench', 'kernel', '--filter', 'gemm 49', '--seconds', '0.02');
    expect(document.kernels).toHaveLength(1);
    expect(document.kernels[0]).toMatchObject({ name: 'gemm 49x960x160', kernel: expect.stringMatching(/^gemm/) });
    expect(document.kernels[0].gflops).toBeGreaterThan(0);
    expect(cli(['bench', 'kernel', '--filter', 'gemm 49', '--seconds', '0.02']).stdout).toContain('of peak');
  });
});

it('writes infinities as numbers that parsers read as such', () => {
  const text = jsonText({ a: Number.POSITIVE_INFINITY, b: [Number.NEGATIVE_INFINITY, '\u0000Infinity '], c: 3n });
  expect(JSON.parse(text)).toEqual({ a: Number.POSITIVE_INFINITY, b: [Number.NEGATIVE_INFINITY, '\u0000Infinity '], c: 3 });
  expect(text).toContain('"a": 1e999');
});

describe('prune', () => {
  it('writes a model with zeros that runs, and tells what they cost', () => {
    const data = join(folder, 'to-prune');
    mkdirSync(data);
    for (let i = 0; i < 4; i++) file(`to-prune/${i}.npy`, npy('<f4', '(2, 8)', new Uint8Array(randomFloats(16, i).buffer)));
    const out = join(folder, 'good.pruned.onnx');
    const report = json('prune', good, '--data', data, '--out', out, '--no-keep-first', '--limit', '3', '--permute');
    expect(report).toMatchObject({ pattern: '2:4', score: 'sparsegpt', feeds: 3, out });
    expect(report.layers.map((l: { zeros: number }) => l.zeros)).toEqual([0.5, 0.5]);
    expect(json('inspect', out).inputs[0].shape).toEqual(['batch', 8]);
    const { status, stdout } = cli(['prune', good, '--out', out, '--pattern', 'unstructured', '--ratio', '0.25', '--keep', '/one/']);
    expect(status).toBe(0);
    for (const part of ['25.0%', 'one: stays: asked for', 'unstructured by magnitude, 0 calibration feeds']) expect(stdout).toContain(part);
    expect(cli(['prune', good, '--data', data, '--out', out]).stdout).toMatch(/^speed {5}run/m);
    const smaller = ['prune', good, '--out', out, '--pattern', 'channels', '--ratio', '0.4', '--scope', 'layer', '--multiple', '2', '--no-keep-first'];
    const text = cli(smaller).stdout;
    expect(text).toMatch(/^one .* \d of 8/m);
    expect(text).toMatch(/^speed +multiplications/m);
  });
  it('says what is wrong', () => {
    const refused = (...more: string[]) => cli(['prune', good, '--out', join(folder, 'x.onnx'), ...more]);
    expect(refused('--score', 'wanda').stderr).toMatch(/calibration must be there for wanda/);
    expect(refused('--ratio', '2').stderr).toMatch(/ratio must lie between 0 and 1, 2 came/);
    expect(refused('--pattern', '1:2').status).toBe(2);
    expect(refused('--pattern', 'heads', '--ratio', '0.5').stderr).toMatch(/model must have heads of attention that can go/);
    expect(refused('--multiple', '8').stderr).toMatch(/multiple must be left out with 2:4/);
    expect(refused('--keep', '/[/').stderr).toMatch(/--keep: must be a name or a regular expression/);
    const data = join(folder, 'odd');
    mkdirSync(data);
    for (const [name, columns] of Object.entries({ a: 8, b: 7 })) file(`odd/${name}.npy`, npy('<f4', `(2, ${columns})`, new Uint8Array(8 * columns)));
    expect(refused('--data', data).stderr).toMatch(/calibration feed 1 \(.*odd\/b\.npy\): input "x": shape must be \[batch,8\], \[2,7\] came/);
  });
});

describe('quantize', () => {
  it('writes an 8-bit model that runs, and tells what it cost', () => {
    const data = join(folder, 'calibration');
    mkdirSync(data);
    for (let i = 0; i < 4; i++) file(`calibration/${i}.npy`, npy('<f4', '(2, 8)', new Uint8Array(randomFloats(16, i).buffer)));
    const out = join(folder, 'good.int8.onnx');
    const report = json('quantize', good, '--data', data, '--out', out, '--observer', 'minmax', '--limit', '3');
    expect(report).toMatchObject({ observer: 'minmax', feeds: 3, out });
    expect(report.layers.map((l: { bits: number }) => l.bits)).toEqual([8, 8]);
    expect(report.outputs[0].sqnrDb).toBeGreaterThan(25);
    expect(json('inspect', out).inputs[0].shape).toEqual(['batch', 8]);
    const { status, stdout } = cli(['quantize', good, '--data', data, '--out', out, '--keep-float', '/one/']);
    expect(status).toBe(0);
    for (const part of ['two', 'float32: asked for', 'signal to noise', '4 calibration feeds', 'in alternation']) expect(stdout).toContain(part);
    for (const row of ['accuracy  signal to noise of', 'speed     run', 'memory    file', 'memory    weights', 'memory    intermediate results'])
      expect(stdout).toMatch(new RegExp(`^${row}`, 'm'));
    expect(report.axes.map((a: { axis: string }) => a.axis)).toEqual(['accuracy', 'speed', 'memory', 'memory', 'memory']);
    expect(report.layers.every((l: { medianUsBefore: number; medianUsAfter: number }) => l.medianUsBefore > 0 && l.medianUsAfter > 0)).toBe(true);
    expect(json('quantize', good, '--data', data, '--out', out, '--no-timing').speed).toBeUndefined();
  });
  it('writes weights of few bits, without data too', () => {
    const out = join(folder, 'good.int4.onnx');
    const report = json('quantize', good, '--method', 'weight-only', '--bits', '4', '--group-size', '16', '--weights', 'rtn', '--symmetric', '--out', out);
    expect(report).toMatchObject({ method: 'weight-only', weights: { bits: 4, groupSize: 16, symmetric: true, algorithm: 'rtn' }, feeds: 0 });
    expect(json('inspect', out).inputs[0].shape).toEqual(['batch', 8]);
    const refused = cli(['quantize', good, '--symmetric', '--data', folder, '--out', out]);
    expect(refused.stderr).toMatch(/--symmetric: must stand with --method weight-only/);
    expect(cli(['quantize', good, '--out', out]).stderr).toMatch(/--data: must be given/);
    expect(cli(['quantize', good, '--method', 'dynamic', '--sqnr', '30', '--out', out]).stderr).toMatch(
      /--sqnr: must stand with --method static or weight-only/,
    );
  });
  it('says what is wrong with the data', () => {
    const [empty, none] = [join(folder, 'empty'), join(folder, 'none')];
    mkdirSync(empty);
    const refused = (data: string, ...more: string[]) => cli(['quantize', good, '--data', data, '--out', join(folder, 'x.onnx'), ...more]);
    expect(refused(empty).stderr).toMatch(/--data: folder must hold pictures, .npy files/);
    expect(refused(none).stderr).toMatch(/--data: must be a folder/);
    expect(refused(empty, '--observer', 'median').status).toBe(2);
    mkdirSync(join(folder, 'feeds', 'first'), { recursive: true });
    expect(refused(join(folder, 'feeds')).stderr).toMatch(/ERR_DSNK_INVALID_ARGUMENT: --data: must name a readable file, ENOENT.*x\.npy/);
  });
  it('says what is wrong with other options before it calibrates', () => {
    const refused = (...more: string[]) => cli(['quantize', good, '--data', join(folder, 'calibration'), '--out', join(folder, 'x.onnx'), ...more]);
    expect(refused('--out', folder).stderr).toMatch(/--out: must name a file that can be written, ".*" is a folder/);
    expect(refused('--out', 'no/x.onnx').stderr).toMatch(/--out: must name a file that can be written, ENOENT/);
    expect(refused('--keep-float', '/[/').stderr).toMatch(/--keep-float: must be a name or a regular expression/);
    expect(refused('--keep-float', 'three').stderr).toMatch(/keepFloat must fit nodes of the model, "three" fits none/);
    expect(refused('--preprocess', '{"stdev":[1]}').stderr).toMatch(/--preprocess: must be JSON with resizeRatio, scale, mean, std, .*stdev/);
  });
});

describe('generate', () => {
  it('takes the options that mean all tokens', () => {
    const said = (...options: string[]) => cli(['generate', 'nowhere.bin', '--prompt', 'x', ...options]);
    expect(said('--top-k', '0', '--min-p', '0', '--top-p', '1', '--temperature', '0')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/nowhere\.bin/),
    });
    expect(said('--system', 'Be brief.').stderr).toMatch(/ERR_DSNK_INVALID_ARGUMENT: --system: must stand with --chat/);
    expect(said('--provider', 'gpu').status).toBe(2);
    for (const wrong of ['-1', '1.5', 'all'])
      expect(said('--top-k', wrong)).toMatchObject({ status: 2, stderr: expect.stringMatching(/'--top-k <k>' argument/) });
  });
});
