// Which functions of an addon use instructions that not every CPU of its architecture has. Only functions in the namespace of
// an ISA may, and only those of that ISA: they run after the CPU was asked.
import { spawnSync } from 'node:child_process';
import { LLVM } from './addons.mjs';

function disassemble(file, flags) {
  const { status, stdout, stderr } = spawnSync(
    `llvm-objdump-${LLVM}`,
    ['--disassemble', '--demangle', '--no-show-raw-insn', '--no-leading-addr', ...flags, file],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 30,
    },
  );
  if (status !== 0) throw new Error(`llvm-objdump-${LLVM} ${file}: ${stderr}`);
  return stdout;
}

/** The namespace of the engine that a function is of: `avx2` in `dsnk::avx2::sweep(…)`, also where it is but an argument. */
const namespaceOf = (name, isas) => (name.includes('dsnk::AmxTiles') ? 'amx' : isas.find((isa) => name.includes(`dsnk::${isa}::`)));

// ----------------------------------------------------------------------------------------------------------------- ARM

// What the disassembler is told to know: an instruction beyond that is an unknown word.
const later = (base) => ({
  neonfp16: [...base, '--mattr=+neon,+fullfp16'],
  dotprod: [...base, '--mattr=+neon,+fullfp16,+dotprod'],
  i8mm: [...base, '--mattr=+neon,+fullfp16,+dotprod,+i8mm'],
});
const arm = {
  arm64: { baseline: ['--mattr=+neon'], isas: later([]) },
  arm: { baseline: ['--triple=armv7-linux-gnueabihf', '--mattr=+neon,+vfp4'], isas: later(['--triple=armv8.2a-linux-gnueabihf']) },
};

// Of the compiler's own library: atomics that ask the CPU themselves; unwinding, which reads the SVE length where a frame says
// it has SVE registers.
const outside =
  /^__aarch64_(cas|swp|ldadd|ldclr|ldeor|ldset)\d+_\w+$|^(execute_stack_op|uw_update_context(_1)?|uw_frame_state_for|uw_init_context_1|_Unwind_\w+|execute_cfa_program\w*)$/;

function scanArm(file, { baseline, isas }) {
  const unknown = (flags) => {
    const found = new Map(); // function → unknown words
    let name = '';
    for (const line of disassemble(file, flags).split('\n')) {
      const head = /^<(.*)>:$/.exec(line);
      if (head) name = head[1];
      else if (line.includes('<unknown>')) found.set(name, (found.get(name) ?? 0) + 1);
    }
    return found;
  };
  const beyond = Object.fromEntries(Object.entries(isas).map(([isa, flags]) => [isa, unknown(flags)]));
  const findings = [];
  for (const [name, words] of unknown(baseline)) {
    if (outside.test(name)) continue;
    const isa = namespaceOf(name, Object.keys(isas));
    const left = isa ? beyond[isa].get(name) : words;
    if (left) findings.push(`${name}: ${left} instructions beyond ${isa ?? 'the baseline'}`);
  }
  return findings;
}

// ----------------------------------------------------------------------------------------------------------------- x86

// The disassembler knows everything here: instructions are told by their names and registers. The baseline is x86-64-v2.
// tzcnt is in it as `rep bsf`: older processors ignore the prefix, and compilers put it only where both give the same.
const x86 = [
  ['amx', /^(tile|tdp|ldtilecfg|sttilecfg|t2rpntl|tmm)/],
  ['avx512bf16', /^(vdpbf16ps|vcvtne2?ps2bf16)/],
  ['vnni', /^(\{vex\}\s*)?vpdp(busd|wssd)s?\b/],
  [
    'more',
    /^(vp2intersect|vgf2p8|gf2p8|vaes|vpclmul|aes|pclmul|sha\d|v(?!cvtps2ph)\w*ph\b|rdrand|rdseed|movbe|adcx|adox|rdpid|movdir|clwb|xsave|vpopcnt[bwdq])/,
  ],
  ['avx512', /^k(mov|and|or|xor|not|shift|test|unpck|xnor|add)\w*\s|%zmm|%k[0-7]|%[xy]mm(1[6-9]|2\d|3[01])/],
  ['avx2', /^(v(?!erw|err|mcall|mrun|mload|msave)|andn[lq]|bextr|bls[ir]|blsmsk|bzhi|mulx|pdep|pext[lq]|rorx|s[ah][lr]x|lzcnt)/],
];
const allowed = {
  avx2: ['avx2'],
  avx512: ['avx2', 'avx512'],
  avxvnni: ['avx2', 'vnni'],
  avx512vnni: ['avx2', 'avx512', 'vnni'],
  avx512bf16: ['avx2', 'avx512', 'avx512bf16'],
  amx: ['avx2', 'avx512', 'avx512bf16', 'vnni', 'amx'],
};

function scanX86(file) {
  const found = new Map();
  let name = '';
  let isas = [];
  for (const line of disassemble(file, []).split('\n')) {
    const head = /^<(.*)>:$/.exec(line);
    if (head) {
      name = head[1];
      isas = allowed[namespaceOf(name, Object.keys(allowed))] ?? [];
      continue;
    }
    const text = line.trim();
    const [kind] = x86.find(([, shape]) => shape.test(text)) ?? [];
    if (kind && !isas.includes(kind)) found.set(name, [...(found.get(name) ?? []), text]);
  }
  return [...found].map(([where, texts]) => `${where}: ${texts.length} instructions beyond its ISA, such as ${texts[0].replace(/\s+/g, ' ')}`);
}

/** One line for each function with instructions that it must not have. `file` has its symbols still. */
export const strayInstructions = (arch, file) => (arch === 'x64' ? scanX86(file) : scanArm(file, arm[arch]));
