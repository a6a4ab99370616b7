// What compilers write: functions, their innermost loops, and what an instruction of AArch64 reads and writes.
import { spawnSync } from 'node:child_process';

const label = /^(\.L[\w$]+):/;

/** The instructions of each function of a `.s` file and where its labels stand: [{ name, lines }]. */
function functionsOf(assembly) {
  const functions = [];
  for (const line of assembly.split('\n')) {
    const name = /^([A-Za-z_][\w$.]*):/.exec(line)?.[1];
    if (name) functions.push({ name, lines: [] });
    else if (functions.length > 0 && (label.test(line) || /^\s+[a-z][a-z0-9.]*(\s|$)/.test(line))) {
      functions.at(-1).lines.push(line.replace(/\s*(\/\/|@ ).*$/, '').trim());
    }
  }
  const names = spawnSync('c++filt', { input: functions.map((f) => f.name).join('\n'), encoding: 'utf8' }).stdout.split('\n');
  return functions.map((f, i) => ({ name: names[i] ?? f.name, lines: f.lines }));
}

/**
 * Loops without a loop in them: the instructions from a label to a branch back to it. Those with other branches are left out,
 * or, where `through`, taken as if none of these were.
 */
function innermostLoops(lines, through) {
  const at = new Map();
  const loops = [];
  lines.forEach((line, i) => {
    const name = label.exec(line)?.[1];
    if (name) at.set(name, i);
    const target = /^(?:b|b\.?[a-z]{2}|cbn?z|tbn?z)\s.*?(\.L[\w$]+)$/.exec(line)?.[1];
    const start = target === undefined ? undefined : at.get(target);
    if (start !== undefined && !loops.some((l) => l.start >= start)) loops.push({ start, end: i });
  });
  const branch = /^(b|br|b\.?[a-z]{2}|cbn?z|tbn?z)\s/;
  return loops
    .map(({ start, end }) => lines.slice(start, end + 1).filter((line) => !label.test(line)))
    .map((loop) => (through ? loop.filter((line, i) => i === loop.length - 1 || !branch.test(line)) : loop))
    .filter((loop) => loop.filter((line) => branch.test(line)).length === 1);
}

/** Instructions that multiply and add, and how many products each has. */
const products = [
  [/^(fmla|fmls)\s+v\d+\.8h/, 8],
  [/^(fmla|fmls|vfma|vmla)/, 4],
  [/^(smull2?|smlal2?)\s+v\d+\.8h/, 8],
  [/^(sdot|udot|usdot)\s/, 16],
  [/^(smmla|ummla|usmmla)\s/, 32],
];
const productsOf = (line) => products.find(([shape]) => shape.test(line))?.[1] ?? 0;
export const multiplyAdds = (loop) => loop.filter((line) => productsOf(line) > 0).length;
export const macs = (loop) => loop.reduce((sum, line) => sum + productsOf(line), 0);
export const arithmetic = (loop) => loop.filter((line) => productsOf(line) > 0 || /^(fmul|fadd|fsub|fneg|fmax\w*|fmin\w*|sadalp)\s/.test(line)).length;

/** The innermost loop with the most vector arithmetic of the function whose demangled name has `symbol`, of those with the instruction `uses`. */
export function hottestLoop(assembly, symbol, through = false, uses = undefined) {
  const matching = functionsOf(assembly).filter((f) => f.name.includes(symbol));
  const found = matching.flatMap((f) => innermostLoops(f.lines, through));
  const loops = uses === undefined ? found : found.filter((loop) => loop.some((line) => line.startsWith(`${uses}\t`)));
  return loops.sort((a, b) => arithmetic(b) - arithmetic(a)).find((loop) => arithmetic(loop) > 0);
}

const register = (text) => {
  const v = /^[vqds](\d+)\b/.exec(text);
  if (v) return `v${v[1]}`;
  const x = /^[xw](\d+)\b/.exec(text);
  if (x) return `x${x[1]}`;
  return /^w?sp\b/.test(text) ? 'sp' : undefined;
};

/** Registers that one instruction of AArch64 writes and reads; `base` is one that it writes back an address to. */
export function effects(line) {
  const [op, ...rest] = line.split(/\s+/);
  const text = rest.join(' ');
  const operands = text.match(/\[[^\]]*\]!?|\{[^}]*\}(\[\d+\])?|[^,\s]+/g) ?? [];
  const all = (operand) => (operand.match(/[a-z]+\d+|sp/g) ?? []).map(register).filter((r) => r !== undefined);
  const writes = [];
  const reads = [];
  let base;
  operands.forEach((operand, i) => {
    const registers = all(operand);
    if (operand.startsWith('[')) {
      reads.push(...registers);
      if (operand.endsWith('!') || (operands.length > i + 1 && /^#|^x/.test(operands[i + 1]))) base = registers[0];
      return;
    }
    const store = /^st/.test(op);
    const compare = /^(cmp|cmn|tst|fcmp|cbz|cbnz|tbz|tbnz|prfm|b)/.test(op);
    const first = i === 0 || (op === 'ldp' && i === 1);
    if (first && !store && !compare) {
      writes.push(...registers);
      // Part of a register stays: its old value is read.
      if (/^(fmla|fmls|smlal|sadalp|sdot|usmmla|ins|bsl|bit|bif|movk)/.test(op) || /\]$/.test(operand)) reads.push(...registers);
    } else {
      reads.push(...registers);
    }
  });
  if (/^(subs|adds|cmp|cmn|tst|ands|fcmp)/.test(op)) writes.push('flags');
  if (/^(b\.|csel|csinc|cset|ccmp)/.test(op)) reads.push('flags');
  return { writes, reads, base };
}
