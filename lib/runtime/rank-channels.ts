/** In which order the units of a bundle would go, and what that costs: sessions on constants and feeds. */
import type { Constant, Graph } from '../graph/graph.js';
import type { Ranking } from '../prune/allocate.js';
import type { Bundle } from '../prune/bundles.js';
import type { Layer } from '../prune/channel-groups.js';
import { type Blocks, blocksOf, energyGraph, lossesGraph, removalGraph, startGraph, sumsGraph } from '../prune/channel-scores.js';
import type { Score } from '../prune/layers.js';
import type { Units } from '../prune/units.js';
import type { Product } from '../quantize/islands.js';
import { Tensor } from '../tensor.js';
import { constantOf, finiteGram, gatherSums } from './fit-layers.js';
import { InferenceSession } from './session.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';
import { runConstants } from './survey.js';

/** Sums over feeds that are held at once. */
const HELD_BYTES = 64e6;
/** Steps in which a bundle is taken apart: more at a time where it has more units. */
const STEPS = 64;

/** What a reader of units sees. */
interface Seen {
  readonly gram: Constant;
  readonly inputs: Constant;
  readonly count: number;
  /** Around its mean, of what the layer's result is part of. */
  readonly energy: number;
}

export interface RankPlan {
  readonly score: Score;
  readonly options: SessionOptions;
  readonly onLayer: (done: number, total: number) => void;
}

export async function rankBundles(source: Graph, units: Units, bundles: readonly Bundle[], samples: readonly Feeds[], plan: RankPlan): Promise<Ranking[]> {
  const rankings: Ranking[] = [];
  let seen: ReadonlyMap<Layer, Seen> = new Map();
  let gathered = 0;
  for (const [i, bundle] of bundles.entries()) {
    const readers = bundle.readers.map(blocksOf);
    if (plan.score !== 'magnitude' && i === gathered) {
      // One walk over the feeds for as many bundles as can be held.
      const layers = new Set<Layer>();
      let held = 0;
      do {
        for (const layer of bundles[gathered++]?.readers ?? []) {
          if (!layers.has(layer)) held += gramBytes(layer);
          layers.add(layer);
        }
      } while (gathered < bundles.length && held < HELD_BYTES / 2);
      seen = await gather(source, [...layers], samples, plan.options);
    }
    const known = readers.filter((b) => seen.has(b.layer));
    rankings.push(
      plan.score === 'sparsegpt' && known.length > 0
        ? await eliminate(units, bundle, known, seen)
        : await judge(units, bundle, known.length > 0 ? known : readers, seen),
    );
    plan.onLayer(i + 1, bundles.length);
  }
  return rankings;
}

const gramBytes = ({ product }: Layer) => 4 * weightWidth(product) ** 2;

async function gather(source: Graph, layers: readonly Layer[], samples: readonly Feeds[], options: SessionOptions): Promise<Map<Layer, Seen>> {
  const seen = new Map<Layer, Seen>();
  for (let from = 0; from < layers.length; ) {
    let [to, held] = [from + 1, gramBytes(layers[from] as Layer)];
    while (to < layers.length && held + gramBytes(layers[to] as Layer) <= HELD_BYTES) held += gramBytes(layers[to++] as Layer);
    const part = layers.slice(from, to);
    const { graph, sums } = sumsGraph(
      source,
      part.map((l) => l.product),
    );
    const results = await gatherSums(
      graph,
      [...sums.values()].flatMap((s) => Object.values(s)),
      samples,
      options,
    );
    for (const layer of part) {
      const names = sums.get(layer.product);
      if (names === undefined) continue;
      const sum = (name: keyof typeof names) => results.get(names[name].after) as Tensor;
      const k = names.gram.dims[1] as number;
      const count = Number(sum('count').data[0]) / k;
      let energy = Number(sum('energy').data[0]);
      for (const total of sum('results').data as Float32Array) energy -= total ** 2 / count;
      const gram = finiteGram(layer.product, sum('gram'));
      seen.set(layer, { gram, inputs: constantOf(sum('inputs')), count, energy: Math.max(energy, 1e-30) });
    }
    from = to;
  }
  return seen;
}

/** By what each unit's weights are, or bring to the layers that read it; sums, as none makes up for another. */
async function judge(units: Units, bundle: Bundle, readers: readonly Blocks[], seen: ReadonlyMap<Layer, Seen>): Promise<Ranking> {
  const losses = new Map(bundle.roots.map((r) => [r, 0]));
  const add = (list: readonly number[], values: Float32Array) => {
    for (const [i, u] of list.entries()) {
      const root = units.root(u);
      if (losses.has(root)) losses.set(root, (losses.get(root) as number) + (values[i] as number));
    }
  };
  for (const blocks of readers) add(blocks.units, (await runConstants(energyGraph(blocks, seen.get(blocks.layer)?.gram)))['columns']?.data as Float32Array);
  if (!readers.some((b) => seen.has(b.layer))) {
    for (const maker of bundle.makers) {
      const whole = { layer: maker, units: [], width: maker.product.weight.constant === undefined ? 1 : weightWidth(maker.product) };
      add(maker.out, (await runConstants(energyGraph(whole, undefined)))['rows']?.data as Float32Array);
    }
  }
  const order = [...bundle.roots].sort((a, b) => (losses.get(a) as number) - (losses.get(b) as number) || a - b);
  const costs = [0];
  for (const root of order) costs.push((costs.at(-1) as number) + (losses.get(root) as number));
  return { bundle, order, costs };
}

const weightWidth = ({ weight, axis }: Product) => (weight.constant?.byteLength ?? 4) / 4 / (weight.constant?.dims[axis] ?? 1);

/** Units by what they cost once the others make up for them, one after the other. */
async function eliminate(units: Units, bundle: Bundle, readers: readonly Blocks[], seen: ReadonlyMap<Layer, Seen>): Promise<Ranking> {
  await using sides = new Eliminations();
  for (const blocks of readers) await sides.add(blocks, seen.get(blocks.layer) as Seen);
  const left = new Set(bundle.roots);
  const order: number[] = [];
  const costs = [0];
  const atOnce = Math.ceil(left.size / STEPS);
  while (left.size > 0) {
    const losses = await sides.losses((u) => units.root(u));
    const worst = [...left].sort((a, b) => (losses.get(a) ?? 0) - (losses.get(b) ?? 0) || a - b).slice(0, atOnce);
    for (const root of worst) {
      order.push(root);
      costs.push((costs.at(-1) as number) + Math.max(0, losses.get(root) ?? 0));
      left.delete(root);
    }
    if (left.size > 0) await sides.remove((u) => !left.has(units.root(u)), bundle, units);
  }
  return { bundle, order, costs };
}

/** All layers that read a bundle, with what is left of their inputs. */
class Eliminations {
  readonly #sides: {
    readonly blocks: Blocks;
    readonly energy: number;
    readonly losses: InferenceSession;
    readonly removal: InferenceSession;
    readonly left: Float32Array;
    inverse: Tensor;
    weights: Tensor;
  }[] = [];

  async add(blocks: Blocks, { gram, inputs, count, energy }: Seen): Promise<void> {
    const start = await runConstants(startGraph(blocks, gram, inputs, count));
    const tensor = (name: string) => new Tensor('float32', start[name]?.data as Float32Array, [...(start[name]?.dims ?? [])]);
    this.#sides.push({
      blocks,
      energy,
      losses: await InferenceSession.fromGraph(lossesGraph(blocks)),
      removal: await InferenceSession.fromGraph(removalGraph(blocks)),
      left: new Float32Array(blocks.units.length * blocks.width).fill(1),
      inverse: tensor('inverse'),
      weights: tensor('weights'),
    });
  }

  /** By root: the share of energy that the layers lose, all together. */
  async losses(rootOf: (unit: number) => number): Promise<Map<number, number>> {
    const sum = new Map<number, number>();
    for (const { blocks, energy, losses, inverse, weights } of this.#sides) {
      const own = (await losses.run({ inverse, weights }))['losses']?.data as Float32Array;
      for (const [i, u] of blocks.units.entries()) sum.set(rootOf(u), (sum.get(rootOf(u)) ?? 0) + (own[i] as number) / energy);
    }
    return sum;
  }

  async remove(isGone: (unit: number) => boolean, bundle: Bundle, units: Units): Promise<void> {
    const own = new Set(bundle.roots);
    for (const side of this.#sides) {
      const { blocks, left } = side;
      const gone: number[] = [];
      for (const [i, u] of blocks.units.entries()) {
        if (!own.has(units.root(u)) || !isGone(u) || left[i * blocks.width] === 0) continue;
        for (let j = 0; j < blocks.width; j++) gone.push(i * blocks.width + j);
      }
      if (gone.length === 0) continue;
      for (const i of gone) left[i] = 0;
      const { inverse, weights } = side;
      const after = await side.removal.run({
        inverse,
        weights,
        gone: new Tensor('int64', BigInt64Array.from(gone, BigInt), [gone.length]),
        left: new Tensor('float32', left, [left.length]),
      });
      side.inverse = after['inverse:after'] as Tensor;
      side.weights = after['weights:after'] as Tensor;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { losses, removal } of this.#sides) {
      await losses.release();
      await removal.release();
    }
  }
}
