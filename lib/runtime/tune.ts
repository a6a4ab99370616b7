/**
 * Measured choices. Where a node can be computed in several ways (compile/choice.ts), whole programs are made in which
 * every site takes its first way, its second and so on. They run in alternation on the session's threads, each call is
 * timed, and every site keeps its fastest way. Timing inside whole programs, not call by call, is the point: weights and
 * inputs are then as far away in the caches as they are in use.
 */
import type { ChoicePolicy } from '../compile/choice.js';
import type { CompiledProgram } from '../compile/compile.js';
import type { Precision } from '../compile/precision.js';
import { WeightIndex } from '../compile/weights.js';
import { DsnkError, dsnkError, spelled } from '../errors.js';
import { elementCount } from '../graph/dim.js';
import { allocate, type HostTensor } from '../tensor.js';
import type { StateHandle, StoreHandle } from './binding.js';
import { keepChoices, type Measured, readChoices } from './choices-file.js';
import { LoadedProgram } from './loaded-program.js';
import { native, packageVersion } from './native.js';
import { SessionState } from './state.js';
import type { Job, Work } from './work.js';

export interface TuneOptions {
  /** JSON file of choices: what it has for this machine is not measured again, what is measured is added. */
  readonly file?: string;
  /** About how many milliseconds to measure for, on top of making the programs; default 400. */
  readonly budgetMs?: number;
}

const DEFAULT_BUDGET_MS = 400;
/** A release waits for the measuring to end: ten minutes are a mistake already. */
const MAX_BUDGET_MS = 600_000;
/** Another way than the first must be that much faster: choices should not follow noise. */
export const GAIN = 0.97;

/** A program of one variant, with what it needs to be run. */
interface Variant {
  readonly program: LoadedProgram;
  readonly inputs: readonly HostTensor['data'][];
  readonly outputs: readonly HostTensor['data'][];
  readonly times: BigUint64Array;
  readonly state: StateHandle | undefined;
}

export class Tuner {
  readonly #machine: string;
  readonly #threads: number;
  readonly #options: TuneOptions;
  readonly #choices: Map<string, Measured>;

  /** `settings` names whatever else changes which ways there are. */
  constructor(options: TuneOptions, threads: number, settings = '') {
    const { model, isa } = native().cpu();
    const hash = native().catalogue().hash.toString(16);
    this.#machine = `${model}, ${isa}, ${packageVersion()} (${hash}), ${threads} threads${settings}`;
    this.#threads = threads;
    this.#options = options;
    this.#choices = new Map(Object.entries(options.file === undefined ? {} : (readChoices(options.file)[this.#machine] ?? {})));
  }

  /** Chooses by what is known; the sites about which nothing is go to `unknown`. */
  policy(unknown?: Map<string, readonly string[]>): ChoicePolicy {
    return (site, names) => {
      const known = this.#choices.get(site);
      // Other ways than those that were measured: another build, or an option that refuses some.
      if (known === undefined || Object.keys(known.us).length !== names.length || !names.every((n) => Object.hasOwn(known.us, n))) {
        unknown?.set(site, names);
        return undefined;
      }
      return { name: known.kernel, reason: reasonOf(known) };
    };
  }

  /**
   * Measures the ways of these sites. `compile` makes the program for one policy, or undefined when the model had to be
   * split there. A model that cannot be run on made-up inputs keeps its first ways.
   */
  *measure(
    sites: ReadonlyMap<string, readonly string[]>,
    inputs: readonly HostTensor[],
    compile: (index: WeightIndex, choose: ChoicePolicy) => CompiledProgram | undefined,
  ): Work<void> {
    const known = this.policy();
    const index = new WeightIndex();
    const store = native().createStore(false);
    const variants: Variant[] = [];
    const states = new SessionState('tuned', this);
    // Inputs of a compile ahead of the first run have shapes only.
    const feeds = inputs.map((t) => (t.data.byteLength === 0 && elementCount(t.dims) > 0 ? allocate(t.dtype, t.dims) : t.data));
    try {
      const count = Math.max(...[...sites.values()].map((names) => names.length));
      for (let nth = 0; nth < count; nth++) {
        const compiled = compile(index, (site, names) => {
          const name = sites.get(site)?.[nth];
          return name === undefined ? known(site, names) : { name, reason: '' };
        });
        if (compiled === undefined) return;
        const program = (yield load(compiled, store, this.#threads)) as LoadedProgram;
        index.commit(compiled.added);
        const outputs = compiled.graph.results.map((v) => allocate(v.type, v.dims));
        const { stateBytes } = compiled.image;
        const state = stateBytes === 0 ? undefined : states.handle(stateBytes, store);
        variants.push({ program, inputs: feeds, outputs, times: new BigUint64Array(compiled.steps.length), state });
      }
      yield* this.#compare(sites, variants);
      const { file } = this.#options;
      if (file !== undefined) yield* keepChoices(file, this.#machine, Object.fromEntries(this.#choices));
    } catch (error) {
      if (!(error instanceof DsnkError)) throw error;
    } finally {
      for (const v of variants) v.program.dispose();
      states.release();
      native().dispose(store);
    }
  }

  *#compare(sites: ReadonlyMap<string, readonly string[]>, variants: readonly Variant[]): Work<void> {
    const best = variants.map(() => new Map<string, number>());
    const budget = this.#options.budgetMs ?? DEFAULT_BUDGET_MS;
    const begin = performance.now();
    const spent = () => performance.now() - begin;
    // The first round also touches the memory for the first time, so one more wherever that is not far too long.
    for (let round = 0; round === 0 || spent() < budget || (round === 1 && spent() < 4 * budget); round++) {
      for (const [nth, { program, inputs, outputs, times, state }] of variants.entries()) {
        yield (sync) => (sync ? program.runSync(inputs, outputs, times, state) : program.run(inputs, outputs, { times, state }));
        const least = best[nth] as Map<string, number>;
        for (const [site, ns] of timesOfSites(program, times)) least.set(site, Math.min(ns, least.get(site) ?? Number.POSITIVE_INFINITY));
      }
    }
    for (const [site, names] of sites) {
      const us = names.map((name, nth) => [name, microseconds(best[nth]?.get(site))] as const);
      let [kernel, least] = us[0] as (typeof us)[0];
      least = least === null ? null : least * GAIN;
      for (const [name, time] of us.slice(1)) if (time !== null && least !== null && time < least) [kernel, least] = [name, time];
      this.#choices.set(site, { kernel, us: Object.fromEntries(us) });
    }
  }
}

function load(compiled: CompiledProgram, store: StoreHandle, threads: number): Job<LoadedProgram> {
  return (sync) => {
    let loaded: LoadedProgram | undefined;
    let failure: DsnkError | undefined;
    // The model's own load comes afterwards and reads the sources again.
    const options = { threads, keepSources: true, sync };
    if (sync) {
      LoadedProgram.load(compiled, store, options, 'tuned model', (error, p) => {
        failure = error;
        loaded = p;
      });
      if (loaded === undefined) throw failure;
      return loaded;
    }
    return new Promise((resolve, reject) => {
      LoadedProgram.load(compiled, store, options, 'tuned model', (error, p) => (p === undefined ? reject(error) : resolve(p)));
    });
  };
}

/** Nanoseconds of each site, its nodes' mean. */
function timesOfSites(program: LoadedProgram, times: BigUint64Array): Map<string, number> {
  const sums = new Map<string, { ns: number; nodes: Set<unknown> }>();
  program.compiled.steps.forEach(({ site, node }, i) => {
    if (site === undefined) return;
    let sum = sums.get(site);
    if (sum === undefined) sums.set(site, (sum = { ns: 0, nodes: new Set() }));
    sum.ns += Number(times[i]);
    sum.nodes.add(node);
  });
  return new Map([...sums].map(([site, { ns, nodes }]) => [site, ns / nodes.size]));
}

const microseconds = (ns: number | undefined) => (ns === undefined ? null : Math.round(ns / 10) / 100);

/** `measured 0.42 ms, conv_winograd_f32_avx512 0.61 ms`. */
function reasonOf({ kernel, us }: Measured): string {
  const text = (time: number | null | undefined) => `${Number(((time ?? 0) / 1000).toPrecision(3))} ms`;
  const others = Object.entries(us)
    .filter(([name, time]) => name !== kernel && time !== null)
    .sort(([, a], [, b]) => (a as number) - (b as number));
  return us[kernel] === null ? 'folded' : ['measured', text(us[kernel])].join(' ') + others.map(([name, time]) => `, ${name} ${text(time)}`).join('');
}

/** Checks the option `tune`. */
export function checkTune(where: string, option: unknown): void {
  if (option === undefined || typeof option === 'boolean') return;
  const refuse = (must: string, came: unknown) => dsnkError('ERR_DSNK_INVALID_ARGUMENT', where, must, `${spelled(came)} came`);
  if (typeof option !== 'object' || option === null || Array.isArray(option)) throw refuse('tune must be true, false or an object', option);
  const unknown = Object.keys(option).find((key) => key !== 'file' && key !== 'budgetMs');
  if (unknown !== undefined) throw refuse('tune must have no other keys than file and budgetMs', unknown);
  const { file, budgetMs }: { readonly file?: unknown; readonly budgetMs?: unknown } = option;
  if (file !== undefined && (typeof file !== 'string' || file === '' || file.includes('\0'))) throw refuse('tune.file must be a path', file);
  if (budgetMs !== undefined && !(typeof budgetMs === 'number' && budgetMs > 0 && budgetMs <= MAX_BUDGET_MS))
    throw refuse(`tune.budgetMs must be positive and at most ${MAX_BUDGET_MS}`, budgetMs);
}

/** The tuner that options ask for. */
export function tunerOf(
  threads: number,
  options: { readonly tune?: boolean | TuneOptions; readonly winograd?: boolean; readonly precision?: Precision },
): Tuner | undefined {
  const { tune = false, winograd, precision = 'f32' } = options;
  if (tune === false) return undefined;
  return new Tuner(tune === true ? {} : tune, threads, `${winograd === false ? ', no winograd' : ''}${precision === 'f32' ? '' : `, ${precision}`}`);
}
