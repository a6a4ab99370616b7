/**
 * Loads mutated programs through the addon, and runs the small ones that it accepts. Prints how many were accepted and how
 * many refused; a crash of the addon ends this process only. Arguments: mutations, seed.
 */
import { compile } from '../../lib/compile/compile.js';
import { decodeProgram } from '../../lib/compile/program.js';
import { WeightIndex } from '../../lib/compile/weights.js';
import { DsnkError } from '../../lib/errors.js';
import { loadError, type ProgramHandle } from '../../lib/runtime/binding.js';
import { native } from '../../lib/runtime/native.js';
import { mulberry32 } from '../kernels/harness.js';
import { nets } from '../native/nets.js';

const mutations = Number(process.argv[2]);
const next = mulberry32(Number(process.argv[3]));
const below = (n: number) => Math.floor(next() * n);
const samples = Object.values(nets).map((net) => compile(net(), native().catalogue(), new WeightIndex()));
const edges = [0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 64, 4096];

function mutated(words: Uint32Array): Uint32Array {
  let out = words.slice();
  for (let edits = 1 + below(3); edits > 0; edits--) {
    const at = below(out.length);
    const old = out[at] as number;
    out[at] = [below(2 ** 32), old ^ (1 << below(32)), old + below(17) - 8, edges[below(edges.length)], old * 2, out[below(out.length)], below(64)][
      below(7)
    ] as number;
  }
  if (below(50) === 0) out = out.slice(0, below(out.length + 1));
  if (below(4) > 0 && out.length > 2) out[2] = out.length;
  // The segments' sizes stay below 1 MB or become absurd: this process is not to die for want of memory.
  for (let i = 4; i < Math.min(14, out.length - 1); i += 2) {
    if ((out[i + 1] as number) >= 0x4000) continue;
    out[i] = (out[i] as number) & 0xfffff;
    out[i + 1] = 0;
  }
  return out;
}

let accepted = 0;
let refused = 0;
for (let n = 0; n < mutations; n++) {
  const sample = samples[n % samples.length] as (typeof samples)[number];
  const words = mutated(sample.words);
  const store = native().createStore(false);
  let program: ProgramHandle | undefined;
  let failure: unknown;
  const sources = sample.sources.map((c) => c.read());
  native().load(
    words,
    store,
    sources,
    1 + (n % 3),
    false,
    (code, pc, fault, text, value) => {
      if (code === 0) program = value as ProgramHandle;
      else failure = loadError(code, pc, fault, text, () => 'program');
    },
    true,
  );
  if (program !== undefined) {
    accepted++;
    const { inputs, outputs, stateBytes } = decodeProgram(words);
    const arrays = (ranges: readonly { bytes: number }[]) => ranges.map((r) => new Uint8Array(r.bytes).fill(1));
    const state = native().createState(stateBytes, store);
    if (state === null || typeof state === 'string') throw new Error(`mutation ${n}: no memory for a state of ${stateBytes} bytes`);
    native().runSync(program, arrays(inputs), arrays(outputs), null, state);
    native().dispose(state);
    native().dispose(program);
  } else if (failure instanceof DsnkError && failure.message.length > 0) {
    refused++;
  } else {
    throw new Error(`mutation ${n}: a load must succeed or fail with a DsnkError, ${String(failure)} came`);
  }
  native().dispose(store);
}
console.log(JSON.stringify({ accepted, refused }));
