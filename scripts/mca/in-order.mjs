// Cycles of a loop on Cortex-A53 as its rules of issue give them.
//
// llvm-mca lets no instruction finish before an older one on this core, so that a load behind an FMA waits six cycles:
//   printf 'fmla v0.4s, v16.4s, v17.s[0]\nldr q20, [x0]\n' | llvm-mca-19 -mtriple=aarch64 -mcpu=cortex-a53 -timeline
// The core issues in order but a load does not wait for an FMA that it does not read. What is simulated here: two
// instructions a cycle in order, when what they read is there after the latencies of LLVM's table and the units of that
// table are free, and what the table leaves out, that vector units and the load pipe are 64 bits wide:
// - a vector instruction on 128 bits takes both vector units; one on 64 bits, the insertion of half a register and the
//   load of 64 bits to a vector register take one each;
// - a load of 128 bits takes two cycles in which nothing else issues.
import { effects } from './assembly.mjs';

/** `instructions`: [{ text, latency, units: [[name, cycles]] }] of one round; the cycles that a round takes. */
export function cyclesInOrder(instructions, rounds = 64) {
  const prepared = instructions.map((i) => ({ ...i, ...effects(i.text), ...width(i.text) }));
  const ready = new Map();
  const busy = new Map();
  let cycle = 0;
  let issued = 0; // in this cycle
  let halves = 0; // of the vector units in this cycle
  let middle = 0;
  const next = () => {
    cycle++;
    issued = 0;
    halves = 0;
  };
  for (let round = 0; round < rounds; round++) {
    if (round === rounds / 2) middle = cycle;
    for (const i of prepared) {
      const operands = Math.max(0, ...i.reads.map((r) => ready.get(r) ?? 0));
      const free = () => i.units.every(([name]) => (busy.get(name) ?? 0) <= cycle);
      while (operands > cycle || issued >= 2 || halves + i.halves > 2 || (i.alone > 0 && issued > 0) || !free()) next();
      for (const [name, cycles] of i.units) busy.set(name, cycle + cycles);
      for (const r of i.writes) ready.set(r, cycle + i.latency);
      if (i.base !== undefined) ready.set(i.base, cycle + 1);
      issued++;
      halves += i.halves;
      for (let c = 0; c < i.alone; c++) next();
    }
  }
  return (cycle - middle) / (rounds / 2);
}

function width(text) {
  const op = text.split(/\s+/)[0];
  if (/^(ldr|ldur|ldp|ld1|ld1r)$/.test(op)) {
    if (/^\w+\s+(q\d|\{ ?v\d+\.(4s|2d|16b))/.test(text) && op !== 'ld1r') return { halves: 0, alone: op === 'ldp' ? 4 : 2 };
    return { halves: /^\w+\s+([ds]\d|\{)/.test(text) ? 1 : 0, alone: 0 };
  }
  if (/^(st|prfm)/.test(op)) return { halves: 0, alone: 0 };
  if (/^(ins|mov)$/.test(op) && /^\w+\s+v\d+\.[ds]\[/.test(text)) return { halves: 1, alone: 0 };
  if (/\bv\d+\.(4s|2d|16b|8h)/.test(text)) return { halves: 2, alone: 0 };
  return { halves: /\b[vds]\d+\b/.test(text) ? 1 : 0, alone: 0 };
}
