#!/usr/bin/env node
// `npm run bench:mca [-- --check]`: compiles the ARM rows of the kernels, takes the innermost loops out of the assembly
// and lets llvm-mca count their cycles on Cortex-A53, Cortex-A72 and Neoverse N1. Writes bench/results/arm-mca.json and
// the same as a table, arm-mca.md; with --check it writes nothing and fails where a floor is missed or a share is not what
// the table says.
// What is measured and which floors hold: scripts/mca/loops.mjs. How to read it, and its traps: bench/README.md.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { arithmetic, hottestLoop, macs, multiplyAdds } from './mca/assembly.mjs';
import { cyclesInOrder } from './mca/in-order.mjs';
import { cores, loops, missedFloors } from './mca/loops.mjs';
import { render } from './mca/render.mjs';
import { LLVM } from './prebuild/addons.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'build', 'mca');
const { values: flags } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

function fail(message) {
  console.error(`bench:mca: ${message}`);
  process.exit(1);
}

function run(program, args, input) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: root, encoding: 'utf8', input, maxBuffer: 1 << 28 });
  if (status !== 0) fail(`${program} ${args.join(' ')} ended with ${error?.message ?? status}\n${stderr?.slice(-4000)}`);
  return stdout;
}

/** Flags of every file of the engine, from the only build definition. */
function compilerFlags() {
  const text = readFileSync(join(root, 'CMakeLists.txt'), 'utf8');
  const release = /CMAKE_CXX_FLAGS_RELEASE "([^"]*)"/.exec(text)?.[1];
  const options = /target_compile_options\(dsnk_engine PUBLIC (-W[^)]*)\)/.exec(text)?.[1];
  if (release === undefined || options === undefined) fail('CMakeLists.txt must set CMAKE_CXX_FLAGS_RELEASE and the options of dsnk_engine');
  return ['-std=c++20', '-fPIC', ...`${release} ${options}`.split(/\s+/)];
}

const assemblies = new Map();
function assemblyOf(source) {
  if (!assemblies.has(source)) {
    const file = join(folder, `${source.replaceAll('/', '_')}.s`);
    const target = ['--target=aarch64-linux-gnu', '-Inative', '-S', '-o', file, source];
    run(`clang++-${LLVM}`, [...compilerFlags(), ...target]);
    assemblies.set(source, readFileSync(file, 'utf8'));
  }
  return assemblies.get(source);
}

/** What llvm-mca says of a loop on a core: cycles of a round and, by instruction, latency and units. */
function mca(loop, cpu) {
  const iterations = 100;
  const text = run(`llvm-mca-${LLVM}`, ['-mtriple=aarch64', `-mcpu=${cpu}`, `-iterations=${iterations}`, '-json', '-'], `${loop.join('\n')}\n`);
  const { CodeRegions, TargetInfo } = JSON.parse(text);
  const region = CodeRegions[0];
  const instructions = loop.map((line, i) => ({ text: line, latency: region.InstructionInfoView.InstructionList[i].Latency, units: [] }));
  const pressure = new Map();
  for (const { InstructionIndex, ResourceIndex, ResourceUsage } of region.ResourcePressureView.ResourcePressureInfo) {
    const [name, shared] = TargetInfo.Resources[ResourceIndex].split('.'); // one of several units is 'name.n'
    if (InstructionIndex >= loop.length) pressure.set(name, Math.max(pressure.get(name) ?? 0, ResourceUsage));
    // which of several it takes is left to the order of issue
    else if (shared === undefined) instructions[InstructionIndex].units.push([name, ResourceUsage]);
  }
  const summary = region.SummaryView;
  return {
    cycles: summary.TotalCycles / summary.Iterations,
    frontEnd: summary.TotaluOps / summary.Iterations / summary.DispatchWidth,
    pressure: [...pressure].sort((a, b) => b[1] - a[1]),
    instructions,
  };
}

const round = (x) => Number(x.toFixed(3));

function measure({ kernel, source, symbol, what, of = 'floats', cores: only, through, uses }) {
  const loop = hottestLoop(assemblyOf(source), symbol, through, uses);
  if (loop === undefined) fail(`${source}: must have a loop with vector arithmetic in ${symbol}`);
  const products = multiplyAdds(loop);
  const row = {
    kernel,
    what,
    symbol,
    instructions: loop.length,
    multiplyAdds: products,
    arithmetic: arithmetic(loop),
    loads: loop.filter((l) => /^ld/.test(l)).length,
  };
  row.spills = loop.filter((l) => /\[sp/.test(l)).length;
  row.cores = {};
  for (const [core, { cpu, perCycle, products: ceilings, inOrder, units }] of Object.entries(cores)) {
    if (only && !only.includes(core)) continue;
    const result = mca(loop, cpu);
    const cycles = inOrder ? cyclesInOrder(result.instructions) : result.cycles;
    // Bytes need more than multiply-adds to become sums: their ceiling is that of the products alone.
    const least = of === 'floats' ? row.arithmetic / perCycle : macs(loop) / ceilings[of];
    const [unit, busiest] = result.pressure[0];
    const limit = Math.max(busiest, result.frontEnd);
    const bound =
      least >= 0.9 * cycles
        ? 'arithmetic'
        : inOrder
          ? 'issue'
          : limit < 0.9 * cycles
            ? 'latency'
            : result.frontEnd > busiest
              ? 'front end'
              : (units[unit] ?? unit);
    row.cores[core] = { cycles: round(cycles), share: round(least / cycles), bound };
    if (products === row.arithmetic || of !== 'floats') row.cores[core].cyclesPerMac = round(cycles / macs(loop));
    if (inOrder) row.cores[core].llvmCycles = round(result.cycles);
  }
  return row;
}

mkdirSync(folder, { recursive: true });
const version = /version (\d+\.\d+)/.exec(run(`llvm-mca-${LLVM}`, ['--version']))?.[1];
const report = { command: 'npm run bench:mca', llvm: version, rows: loops.map(measure) };
const files = [
  [join(root, 'bench', 'results', 'arm-mca.json'), `${JSON.stringify(report, null, 1)}\n`],
  [join(root, 'bench', 'results', 'arm-mca.md'), render(report)],
];
if (flags.check) {
  const kept = JSON.parse(readFileSync(files[0][0], 'utf8'));
  for (const row of report.rows) {
    const before = kept.rows.find((r) => r.kernel === row.kernel && r.what === row.what);
    for (const [core, { share }] of Object.entries(row.cores)) {
      const was = before?.cores[core]?.share;
      if (!(Math.abs(share - was) <= 0.05)) fail(`${row.kernel}, ${row.what}: ${core} reaches ${share}, the table says ${was}: run \`npm run bench:mca\``);
    }
  }
} else {
  for (const [file, text] of files) writeFileSync(file, text);
  console.log(render(report));
}
const missed = missedFloors(report);
if (missed.length > 0) fail(`floors must hold\n${missed.join('\n')}`);
