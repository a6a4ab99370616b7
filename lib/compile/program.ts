/**
 * The program as 32-bit words: encode and disassemble. The format is described, and every word checked again, in
 * native/runtime/program.h and load.cc.
 */
import type { Catalogue, KernelRow } from './catalogue.js';

export const PROGRAM_MAGIC = 0x4b4e5344;
export const PROGRAM_VERSION = 1;

export const segments = ['none', 'weights', 'arena', 'io', 'state', 'source'] as const;
export type SegmentName = (typeof segments)[number];

/** Where an operand lies. */
export interface Location {
  readonly segment: SegmentName;
  /** Weight block or source number. */
  readonly index: number;
  readonly offset: number;
  readonly bytes: number;
}

export const NOWHERE: Location = { segment: 'none', index: 0, offset: 0, bytes: 0 };

export interface Instruction {
  readonly kernel: number;
  readonly operands: readonly Location[];
  readonly params: Uint32Array;
}

export interface ProgramImage {
  readonly catalogueHash: number;
  readonly arenaBytes: number;
  readonly ioBytes: number;
  readonly stateBytes: number;
  readonly weightsBytes: number;
  readonly initArenaBytes: number;
  readonly weightBlock: number;
  readonly init: readonly Instruction[];
  readonly main: readonly Instruction[];
  readonly inputs: readonly IoRange[];
  readonly outputs: readonly IoRange[];
}

export interface IoRange {
  readonly offset: number;
  readonly bytes: number;
  /** A run may bring or take fewer bytes: the first of them. */
  readonly open?: boolean;
}

const HIGH = 2 ** 32;
/** In the io table, of the upper half of an offset. */
const OPEN = 2 ** 31;

export function encodeProgram(p: ProgramImage): Uint32Array {
  const words = new Uint32Array(programWords(p));
  let at = 0;
  const u32 = (n: number) => {
    words[at++] = n;
  };
  const u64 = (n: number) => {
    words[at++] = n % HIGH;
    words[at++] = n / HIGH;
  };
  for (const n of [PROGRAM_MAGIC, PROGRAM_VERSION, words.length, p.catalogueHash]) u32(n);
  for (const bytes of [p.arenaBytes, p.ioBytes, p.stateBytes, p.weightsBytes, p.initArenaBytes]) u64(bytes);
  for (const n of [p.weightBlock, p.init.length, p.main.length, p.inputs.length, p.outputs.length]) u32(n);
  for (const list of [p.init, p.main]) {
    for (const { kernel, operands, params } of list) {
      u32(kernel);
      u32(operands.length);
      u32(params.length);
      for (const o of operands) {
        u32(segments.indexOf(o.segment) + o.index * 256);
        u64(o.offset);
        u64(o.bytes);
      }
      words.set(params, at);
      at += params.length;
    }
  }
  for (const { offset, bytes, open } of [...p.inputs, ...p.outputs]) {
    u32(offset % HIGH);
    u32(offset / HIGH + (open ? OPEN : 0));
    u64(bytes);
  }
  return words;
}

const HEADER_WORDS = 19;
const INSTRUCTION_WORDS = 3;
const OPERAND_WORDS = 5;
const RANGE_WORDS = 4;

function programWords(p: ProgramImage): number {
  let words = HEADER_WORDS + RANGE_WORDS * (p.inputs.length + p.outputs.length);
  for (const list of [p.init, p.main]) for (const i of list) words += INSTRUCTION_WORDS + OPERAND_WORDS * i.operands.length + i.params.length;
  return words;
}

/** Reads words back; meant for words that `encodeProgram` made (only `load` judges untrusted ones). */
export function decodeProgram(words: Uint32Array): ProgramImage {
  let at = 0;
  const next = () => words[at++] ?? 0;
  const u64 = () => next() + next() * HIGH;
  if (next() !== PROGRAM_MAGIC || next() !== PROGRAM_VERSION) throw new Error('not a program of this version');
  next();
  const catalogueHash = next();
  const [arenaBytes, ioBytes, stateBytes, weightsBytes, initArenaBytes] = [u64(), u64(), u64(), u64(), u64()];
  const [weightBlock, initCount, mainCount, inputCount, outputCount] = [next(), next(), next(), next(), next()];
  const instruction = (): Instruction => {
    const [kernel, operandCount, paramWords] = [next(), next(), next()];
    const operands = Array.from({ length: operandCount }, () => {
      const word = next();
      return { segment: segments[word % 256] ?? 'none', index: Math.floor(word / 256), offset: u64(), bytes: u64() };
    });
    const params = words.slice(at, at + paramWords);
    at += paramWords;
    return { kernel, operands, params };
  };
  const init = Array.from({ length: initCount }, instruction);
  const main = Array.from({ length: mainCount }, instruction);
  const range = () => {
    const [low, high] = [next(), next()];
    return { offset: low + (high % OPEN) * HIGH, bytes: u64(), ...(high >= OPEN && { open: true }) };
  };
  const inputs = Array.from({ length: inputCount }, range);
  const outputs = Array.from({ length: outputCount }, range);
  return { catalogueHash, arenaBytes, ioBytes, stateBytes, weightsBytes, initArenaBytes, weightBlock, init, main, inputs, outputs };
}

/** One line per instruction: `0003 conv2d_f32_avx512 arena[0+802816] <- io[0+602112], weights0[64+9408] {…}`. */
export function disassemble(p: ProgramImage, catalogue: Catalogue): string {
  const place = (o: Location) =>
    o.segment === 'none' ? '-' : `${o.segment}${o.segment === 'weights' || o.segment === 'source' ? o.index : ''}[${o.offset}+${o.bytes}]`;
  const line = (i: Instruction, pc: number) => {
    const row = catalogue.kernels[i.kernel];
    const outs = outputCount(row, i.operands.length);
    const operands = i.operands.map(place);
    return `${String(pc).padStart(4, '0')} ${row?.name ?? `kernel#${i.kernel}`} ${operands.slice(0, outs).join(', ')} <- ${operands.slice(outs).join(', ')} {${[...i.params].map((w) => w | 0).join(' ')}}`;
  };
  return [
    `arena ${p.arenaBytes} B, io ${p.ioBytes} B, state ${p.stateBytes} B, weight block ${p.weightBlock}: ${p.weightsBytes} B`,
    'init:',
    ...p.init.map(line),
    'main:',
    ...p.main.map(line),
  ].join('\n');
}

/** How many leading operands a kernel writes. */
export function outputCount(row: KernelRow | undefined, operandCount: number): number {
  const roles = (row?.operands ?? '').replace('*', '');
  const first = [...roles].findIndex((r) => r === 'r' || r === 'o');
  return first < 0 ? operandCount : Math.min(first, operandCount);
}
