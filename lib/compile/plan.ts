/** From kernel calls to a program: in-place merging, the arena plan, the init program and its weight block. */
import type { Constant } from '../graph/graph.js';
import { type Catalogue, isGpuRow } from './catalogue.js';
import { ARENA_ALIGN, type Lifetime, type MemoryPlan, planMemory } from './memory.js';
import { type Location, NOWHERE, type ProgramImage } from './program.js';
import type { Buffer, LoweredGraph, Ref, Step } from './step.js';
import type { WeightIndex } from './weights.js';

export interface PlannedProgram {
  readonly image: ProgramImage;
  /** Constants that `init` reads, in source order. */
  readonly sources: readonly Constant[];
  /** Where each newly packed constant will lie; committed to the index once `load` has succeeded. */
  readonly added: ReadonlyMap<string, Location>;
  readonly memory: MemoryPlan;
}

const align = (n: number) => Math.ceil(n / ARENA_ALIGN) * ARENA_ALIGN;

/** Buffers that share one place because a kernel works in place. */
class Merge {
  readonly #parent = new Map<Buffer, Buffer>();
  find(b: Buffer): Buffer {
    const p = this.#parent.get(b);
    if (p === undefined) return b;
    const root = this.find(p);
    this.#parent.set(b, root);
    return root;
  }
  join(child: Buffer, root: Buffer): void {
    this.#parent.set(this.find(child), this.find(root));
  }
}

function eachRef(step: Step, visit: (ref: Ref) => void): void {
  for (const r of step.outputs) if (r !== undefined) visit(r);
  for (const r of step.inputs) if (r !== undefined) visit(r);
}

/** Lifetimes of the buffers that `keep` accepts, as step numbers. */
function lifetimes(steps: readonly Step[], keep: (b: Buffer) => boolean): Map<Buffer, { first: number; last: number }> {
  const lives = new Map<Buffer, { first: number; last: number }>();
  steps.forEach((step, pc) => {
    eachRef(step, ({ buffer }) => {
      if (!keep(buffer)) return;
      const life = lives.get(buffer);
      if (life === undefined) lives.set(buffer, { first: pc, last: pc });
      else life.last = pc;
    });
  });
  return lives;
}

/** Lets output 0 take the place of an input that dies there, where the kernel allows it. */
function mergeInPlace(steps: readonly Step[], lives: Map<Buffer, { first: number; last: number }>): Merge {
  const merge = new Merge();
  const lastOf = new Map<Buffer, number>([...lives].map(([b, l]) => [b, l.last]));
  steps.forEach((step, pc) => {
    const out = step.outputs[0];
    if (out === undefined || step.kernel.inPlace === 0 || lives.get(out.buffer)?.first !== pc) return;
    if (out.offset !== 0 || out.bytes !== out.buffer.bytes) return;
    const operands = [...step.outputs, ...step.inputs];
    for (let i = step.outputs.length; i < operands.length && i < 32; i++) {
      const input = operands[i];
      if (!(step.kernel.inPlace & (1 << i)) || input === undefined || input.offset !== 0) continue;
      if (!lives.has(input.buffer) || input.bytes !== out.bytes || input.buffer.bytes !== out.bytes) continue;
      const root = merge.find(input.buffer);
      if (lastOf.get(root) !== pc || operands.some((o, j) => j !== i && o !== undefined && j >= step.outputs.length && merge.find(o.buffer) === root)) continue;
      merge.join(out.buffer, root);
      lastOf.set(root, (lives.get(out.buffer) as { last: number }).last);
      return;
    }
  });
  return merge;
}

function planArena(steps: readonly Step[], keep: (b: Buffer) => boolean): { plan: MemoryPlan; offsetOf: (b: Buffer) => number } {
  const lives = lifetimes(steps, keep);
  const merge = mergeInPlace(steps, lives);
  const merged = new Map<Buffer, { bytes: number; first: number; last: number }>();
  for (const [buffer, life] of lives) {
    const root = merge.find(buffer);
    const m = merged.get(root);
    if (m === undefined) merged.set(root, { bytes: buffer.bytes, ...life });
    else {
      m.first = Math.min(m.first, life.first);
      m.last = Math.max(m.last, life.last);
      m.bytes = Math.max(m.bytes, buffer.bytes);
    }
  }
  const roots = [...merged.keys()];
  const plan = planMemory([...merged.values()] satisfies Lifetime[]);
  const at = new Map(roots.map((b, i) => [b, plan.offsets[i] as number]));
  return { plan, offsetOf: (b) => at.get(merge.find(b)) ?? 0 };
}

/** Removes steps nobody needs, from the end; what is `there` already needs none. */
function prune(steps: readonly Step[], needed: Set<Buffer>, there: (b: Buffer) => boolean = () => false): Step[] {
  const kept: Step[] = [];
  for (let i = steps.length - 1; i >= 0; i--) {
    const step = steps[i] as Step;
    if (!step.outputs.some((r) => r !== undefined && needed.has(r.buffer))) continue;
    for (const r of step.inputs) if (r !== undefined && !there(r.buffer)) needed.add(r.buffer);
    kept.push(step);
  }
  return kept.reverse();
}

export function planProgram(
  lowered: LoweredGraph,
  catalogue: Catalogue,
  weights: WeightIndex,
): PlannedProgram & { main: readonly Step[]; init: readonly Step[] } {
  const main = prune(lowered.main, new Set([...lowered.outputs, ...lowered.states].map((r) => r.buffer)));

  // Which constants the main program reads, and which of those the store already has.
  const constants = new Set<Buffer>();
  for (const step of main) for (const r of step.inputs) if (r?.buffer.constant) constants.add(r.buffer);
  const places = new Map<Buffer, Location>();
  const added = new Map<string, Location>();
  const missing = new Set<Buffer>();
  let weightsBytes = 0;
  const byKey = new Map<string, Buffer>();
  const addToBlock = (b: Buffer) => {
    const key = b.key as string;
    const twin = byKey.get(key);
    if (twin !== undefined) {
      places.set(b, places.get(twin) as Location);
      return;
    }
    const place: Location = { segment: 'weights', index: weights.blocks, offset: weightsBytes, bytes: b.bytes };
    weightsBytes += align(b.bytes);
    places.set(b, place);
    byKey.set(key, b);
    added.set(key, place);
    missing.add(b);
  };
  for (const b of constants) {
    const place = weights.find(b.key as string);
    if (place !== undefined) places.set(b, place);
    else addToBlock(b);
  }

  const isStored = (b: Buffer) => {
    const place = missing.has(b) ? undefined : weights.find(b.key as string);
    if (place !== undefined) places.set(b, place);
    return place !== undefined;
  };
  const init = prune(lowered.init, new Set(missing), isStored);
  // A call that makes something missing may make something stored once more: that goes to the arena, the store stays as it is.
  const remade = new Set<Buffer>();
  for (const step of init) for (const r of step.outputs) if (r !== undefined && !missing.has(r.buffer)) remade.add(r.buffer);
  const sources: Constant[] = [];
  const sourceIndex = new Map<string, number>();
  const sourceOf = (c: Constant): number => {
    let i = sourceIndex.get(c.key);
    if (i === undefined) {
      i = sources.length;
      sources.push(c);
      sourceIndex.set(c.key, i);
    }
    return i;
  };

  // Intermediate results of init, and aligned copies of sources that kernels other than copy read.
  const isInitTemp = (b: Buffer) => b.source === undefined && (remade.has(b) || !places.has(b));
  const initArena = planArena(init, isInitTemp);
  let initArenaBytes = initArena.plan.peakBytes;
  // init runs on the processor
  const copyKernel = catalogue.kernels.find((k) => k.op === 'copy' && !isGpuRow(k))?.id ?? 0;
  const initCode: ProgramImage['init'][number][] = [];
  const words64 = (n: number) => Uint32Array.of(n % 2 ** 32, Math.floor(n / 2 ** 32));
  for (const b of missing) {
    if (b.source === undefined) continue; // a constant used as it stands in the model
    const from: Location = { segment: 'source', index: sourceOf(b.source), offset: 0, bytes: b.bytes };
    initCode.push({ kernel: copyKernel, operands: [places.get(b) as Location, from], params: words64(b.bytes) });
  }
  let staging = 0;
  const stagingBase = align(initArenaBytes);
  const locate = (r: Ref | undefined, table: (b: Buffer) => Location): Location => {
    if (r === undefined) return NOWHERE;
    const base = table(r.buffer);
    return { segment: base.segment, index: base.index, offset: base.offset + r.offset, bytes: r.bytes };
  };
  for (const step of init) {
    let staged = 0;
    const table = (b: Buffer): Location => {
      const place = places.get(b);
      if (place !== undefined && !remade.has(b)) return place;
      if (b.source === undefined) return { segment: 'arena', index: 0, offset: initArena.offsetOf(b), bytes: b.bytes };
      const source: Location = { segment: 'source', index: sourceOf(b.source), offset: 0, bytes: b.bytes };
      if (step.kernel.id === copyKernel || b.source.read().byteOffset % 8 === 0) return source;
      const place2: Location = { segment: 'arena', index: 0, offset: stagingBase + staged, bytes: b.bytes };
      staged += align(b.bytes);
      staging = Math.max(staging, staged);
      initCode.push({ kernel: copyKernel, operands: [place2, source], params: words64(b.bytes) });
      return place2;
    };
    const operands = [...step.outputs, ...step.inputs].map((r) => locate(r, table));
    initCode.push({ kernel: step.kernel.id, operands, params: step.params });
  }
  if (staging > 0) initArenaBytes = stagingBase + staging;

  // The io segment: inputs, then outputs. The state segment is the same for all programs of a model: its shapes are fixed.
  const ranges = (refs: readonly Ref[], from: number, open: readonly boolean[] = []) => {
    let end = from;
    const list = refs.map((r, i) => {
      const range = { offset: end, bytes: r.bytes, ...(open[i] && { open: true }) };
      end += align(r.bytes);
      return range;
    });
    return { list, end };
  };
  const inputs = ranges(lowered.inputs, 0, lowered.open?.inputs);
  const outputs = ranges(lowered.outputs, inputs.end, lowered.open?.outputs);
  const states = ranges(lowered.states, 0);
  const outside = { input: inputs.list, output: outputs.list, state: states.list };
  const arena = planArena(main, (b) => !b.constant && b.io === undefined);
  const mainTable = (b: Buffer): Location => {
    if (b.io !== undefined) {
      const range = outside[b.io.kind][b.io.index] as { offset: number; bytes: number };
      return { segment: b.io.kind === 'state' ? 'state' : 'io', index: 0, offset: range.offset, bytes: range.bytes };
    }
    return places.get(b) ?? { segment: 'arena', index: 0, offset: arena.offsetOf(b), bytes: b.bytes };
  };
  const image: ProgramImage = {
    catalogueHash: catalogue.hash,
    arenaBytes: arena.plan.peakBytes,
    ioBytes: outputs.end,
    stateBytes: states.end,
    weightsBytes,
    initArenaBytes,
    weightBlock: weights.blocks,
    init: initCode,
    main: main.map((step) => ({ kernel: step.kernel.id, operands: [...step.outputs, ...step.inputs].map((r) => locate(r, mainTable)), params: step.params })),
    inputs: inputs.list,
    outputs: outputs.list,
  };
  return { image, sources, added, memory: arena.plan, main, init };
}
