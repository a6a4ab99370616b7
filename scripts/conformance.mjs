#!/usr/bin/env node
// Runs ONNX backend test cases through the public session:
//   npm run conformance -- <folder | cases.tar.xz> [--only <text>] [--json] [--verbose] [--threads <n>]
// A case is a folder with model.onnx and test_data_set_*/{input,output}_*.pb. Each case passes, fails, or is unsupported (the
// session refused it with ERR_DSNK_UNSUPPORTED_OP). Exits 1 when a case fails, 2 when called wrongly.
//
// Tolerance: |got - expected| <= atol + rtol * |expected| with rtol 1e-3 and atol 1e-7, the default of the ONNX backend test
// runner. One rounding of half precision is already 2^-11 (bfloat16: 2^-9) of a value, and a case rounds several times: float16
// uses rtol 5e-3, atol 1e-3, bfloat16 rtol 2e-2, atol 1e-2. Everything that is not a float must be equal. The expected outputs of
// the DFT cases were computed in float32: what cancels to 0 is noise of some 2^-23 in them, so atol is 1e-6 there.
//
// Cases run in child processes, some dozens each: a crash or a hang costs the case in hand and nothing else.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const self = fileURLToPath(import.meta.url);
const dist = join(dirname(self), '..', 'dist');
const CASES_PER_CHILD = 64;
const CASE_MS = 60_000;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    json: { type: 'boolean' },
    verbose: { type: 'boolean' },
    threads: { type: 'string', default: '2' },
    child: { type: 'boolean' },
  },
});

/** Folders of cases, however deep. */
function findCases(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  if (entries.some((e) => e.name === 'model.onnx')) return [folder];
  return entries.filter((e) => e.isDirectory()).flatMap((e) => findCases(join(folder, e.name)));
}

function unpack(archive) {
  const folder = mkdtempSync(join(tmpdir(), 'dsnk-conformance-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const { status, error } = spawnSync('tar', ['-xf', archive, '-C', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) {
    console.error(`conformance: ${archive} must be an archive that tar can unpack${error ? `, ${error.message}` : ''}`);
    process.exit(2);
  }
  return folder;
}

// ---- one case, in a child ----------------------------------------------------------------------------------------------

async function loadLibrary() {
  const [{ InferenceSession }, { readMessage }, proto, { TensorReader }, { ModelBytes, ExternalFolder }, { arrayConstructor, dtypes }] = await Promise.all([
    import(join(dist, 'index.js')),
    import(join(dist, 'onnx/wire.js')),
    import(join(dist, 'onnx/proto.js')),
    import(join(dist, 'onnx/tensors.js')),
    import(join(dist, 'onnx/model-bytes.js')),
    import(join(dist, 'dtype.js')),
  ]);
  const tensor = (path) => {
    const file = new Uint8Array(readFileSync(path));
    const message = readMessage(proto.tensorProto, file);
    const constant = new TensorReader(new ModelBytes(file), new ExternalFolder({})).constant(message, path);
    const bytes = constant.read().slice();
    return { name: message.name, type: constant.dtype, dims: [...constant.dims], data: new (arrayConstructor(constant.dtype))(bytes.buffer) };
  };
  return { InferenceSession, model: (path) => readMessage(proto.modelProto, readFileSync(path)), tensor, dtypes };
}

/** What the case is about: its only operator, or the operator whose function body it spells out. */
function operatorName(model, name) {
  const nodes = model.graph.node;
  const of = (n) => (n.domain === '' || n.domain === 'ai.onnx' ? n.opType : `${n.domain}.${n.opType}`);
  if (nodes.length === 1) return of(nodes[0]);
  if (!name.endsWith('_expanded')) return nodes.length === 0 ? '(none)' : of(nodes[nodes.length - 1]);
  const spelled = nodes.map((n) => [...n.input, ...n.output].map((v) => /^([A-Za-z]+)_test_/.exec(v)?.[1]).find(Boolean)).find(Boolean);
  return spelled ? `${spelled} (expanded)` : '(expanded)';
}

function halfToNumber(h) {
  const exponent = (h >> 10) & 31;
  const fraction = h & 1023;
  const magnitude =
    exponent === 31 ? (fraction ? Number.NaN : Number.POSITIVE_INFINITY) : exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : fraction * 2 ** -24;
  return h & 0x8000 ? -magnitude : magnitude;
}
const brainToNumber = (b) => new Float32Array(new Uint32Array([b << 16]).buffer)[0];
const rules = {
  float32: { rtol: 1e-3, atol: 1e-7, number: (v) => v },
  float64: { rtol: 1e-3, atol: 1e-7, number: (v) => v },
  float16: { rtol: 5e-3, atol: 1e-3, number: halfToNumber },
  bfloat16: { rtol: 2e-2, atol: 1e-2, number: brainToNumber },
};

/** undefined where they agree. */
function difference(got, expected, operator) {
  if (got.type !== expected.type) return `type must be ${expected.type}, ${got.type} came`;
  if (got.dims.join() !== expected.dims.join()) return `dims must be [${expected.dims}], [${got.dims}] came`;
  const rule = rules[expected.type] && { ...rules[expected.type] };
  if (rule && operator === 'DFT') rule.atol = Math.max(rule.atol, 1e-6);
  const raw = (t) =>
    t.data instanceof Uint16Array || t.data.BYTES_PER_ELEMENT !== 2 || !rule ? t.data : new Uint16Array(t.data.buffer, t.data.byteOffset, t.data.length);
  const [a, b] = [raw(got), raw(expected)];
  let wrong = 0;
  let first;
  for (let i = 0; i < b.length; i++) {
    const [x, y] = rule ? [rule.number(a[i]), rule.number(b[i])] : [a[i], b[i]];
    const same = rule ? Object.is(x, y) || x === y || Math.abs(x - y) <= rule.atol + rule.rtol * Math.abs(y) : x === y;
    if (same) continue;
    wrong++;
    first ??= `element ${i} must be ${y}, ${x} came`;
  }
  return wrong === 0 ? undefined : `${wrong} of ${b.length} differ: ${first}`;
}

const numbered = (folder, kind) =>
  readdirSync(folder)
    .map((file) => [new RegExp(`^${kind}_(\\d+)\\.pb$`).exec(file)?.[1], file])
    .filter(([n]) => n !== undefined)
    .sort(([a], [b]) => a - b)
    .map(([, file]) => join(folder, file));

async function runCase(library, folder) {
  const { InferenceSession, model, tensor } = library;
  const proto = model(join(folder, 'model.onnx'));
  const operator = operatorName(proto, basename(folder));
  let session;
  try {
    session = await InferenceSession.create(join(folder, 'model.onnx'), { intraOpNumThreads: Number(flags.threads) });
    for (const set of readdirSync(folder).filter((f) => f.startsWith('test_data_set_'))) {
      const feeds = {};
      numbered(join(folder, set), 'input').forEach((file, i) => {
        const name = proto.graph.input[i]?.name;
        if (session.inputNames.includes(name)) feeds[name] = tensor(file);
      });
      const results = await session.run(feeds);
      for (const [i, file] of numbered(join(folder, set), 'output').entries()) {
        const name = proto.graph.output[i].name;
        const text = difference(results[name], tensor(file), operator);
        if (text) return { operator, status: 'fail', reason: `output "${name}": ${text}` };
      }
    }
    return { operator, status: 'pass' };
  } catch (error) {
    const reason = error?.code ? `${error.code} ${error.message}` : (error?.stack ?? String(error));
    return { operator, status: error?.code === 'ERR_DSNK_UNSUPPORTED_OP' ? 'unsupported' : 'fail', reason };
  } finally {
    await session?.release();
  }
}

async function child() {
  const library = await loadLibrary();
  for await (const folder of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify({ folder })}\n`);
    process.stdout.write(`${JSON.stringify({ folder, ...(await runCase(library, folder)) })}\n`);
  }
}

// ---- all cases ---------------------------------------------------------------------------------------------------------

/** Runs a chunk in a child; returns the results so far and the folders that are left after a crash. */
function runChunk(folders) {
  return new Promise((done) => {
    const results = [];
    const process_ = spawn(process.execPath, [self, '--child', '--threads', flags.threads], { stdio: ['pipe', 'pipe', 'pipe'] });
    let current;
    let stderr = '';
    let hung = false;
    const watchdog = () =>
      setTimeout(() => {
        hung = true;
        process_.kill('SIGKILL');
      }, CASE_MS);
    let timer = watchdog();
    process_.stderr.on('data', (text) => {
      stderr = (stderr + text).slice(-2000);
    });
    process_.stdin.on('error', () => {}); // it died: 'close' tells
    process_.stdin.end(folders.map((f) => `${f}\n`).join(''));
    createInterface({ input: process_.stdout }).on('line', (line) => {
      clearTimeout(timer);
      timer = watchdog();
      const message = JSON.parse(line);
      if (message.status === undefined) current = message.folder;
      else {
        results.push(message);
        current = undefined;
      }
    });
    process_.on('close', (code, signal) => {
      clearTimeout(timer);
      if (current !== undefined) {
        const reason = hung ? `no answer within ${CASE_MS / 1000} s` : `the process ended with ${signal ?? code}: ${stderr.trim()}`;
        results.push({ folder: current, operator: '(crash)', status: 'fail', reason });
      } else if (results.length < folders.length) {
        // It died before a case: the library does not load.
        for (const folder of folders.slice(results.length)) results.push({ folder, operator: '(crash)', status: 'fail', reason: stderr.trim() });
      }
      done({ results, left: folders.slice(results.length) });
    });
  });
}

async function main() {
  const [source] = positionals;
  if (positionals.length !== 1 || !existsSync(source)) {
    console.error('usage: npm run conformance -- <folder | cases.tar.xz> [--only <text>] [--json] [--verbose] [--threads <n>]');
    process.exit(2);
  }
  const root = statSync(source).isDirectory() ? resolve(source) : unpack(resolve(source));
  const folders = findCases(root)
    .filter((f) => !flags.only || basename(f).includes(flags.only))
    .sort();
  const chunks = [];
  for (let i = 0; i < folders.length; i += CASES_PER_CHILD) chunks.push(folders.slice(i, i + CASES_PER_CHILD));
  const results = [];
  while (chunks.length > 0) {
    const { results: some, left } = await runChunk(chunks.shift());
    results.push(...some);
    if (left.length > 0) chunks.unshift(left);
    if (process.stderr.isTTY) process.stderr.write(`\r${results.length} of ${folders.length}`);
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');

  const operators = {};
  for (const { operator, status } of results) {
    operators[operator] ??= { pass: 0, fail: 0, unsupported: 0 };
    operators[operator][status]++;
  }
  const total = { pass: 0, fail: 0, unsupported: 0 };
  for (const { status } of results) total[status]++;
  const cases = results.map(({ folder, ...rest }) => ({ name: basename(folder), ...rest }));
  if (flags.json) {
    console.log(JSON.stringify({ total, operators, cases }, null, 1));
  } else {
    for (const [operator, n] of Object.entries(operators).sort(([a], [b]) => (a < b ? -1 : 1))) {
      console.log(
        `${operator.padEnd(40)} ${String(n.pass).padStart(4)} pass ${String(n.fail).padStart(4)} fail ${String(n.unsupported).padStart(4)} unsupported`,
      );
    }
    for (const c of cases) if (c.status === 'fail' || (flags.verbose && c.status === 'unsupported')) console.log(`${c.status} ${c.name}: ${c.reason}`);
    console.log(`total: ${total.pass} pass, ${total.fail} fail, ${total.unsupported} unsupported of ${results.length}`);
  }
  process.exitCode = total.fail > 0 ? 1 : 0;
}

await (flags.child ? child() : main());
