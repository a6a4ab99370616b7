/** Activation-aware scaling of a graph: sessions measure inputs and errors, the factors are chosen here. */
import type { Constant, Graph } from '../graph/graph.js';
import { inferGraph } from '../ops/infer.js';
import { EXPONENTS, findScalable, insertFactors, type Scalable, scaledErrors, scalesOf } from '../quantize/activation-aware.js';
import type { FewBitsOptions } from '../quantize/few-bits.js';
import type { Product } from '../quantize/islands.js';
import { CORRECTIONS } from './correct-biases.js';
import { gatherGrams } from './fit-layers.js';
import type { SessionOptions } from './session-options.js';
import type { Feeds } from './signature.js';
import { runConstants } from './survey.js';

/** Returns how many places were scaled; their weights are computed from constants afterwards. */
export async function scaleByActivations(
  graph: Graph,
  products: readonly Product[],
  optionsOf: (product: Product) => FewBitsOptions,
  samples: readonly Feeds[],
  options: SessionOptions,
): Promise<number> {
  const places = findScalable(graph, products);
  const found: { readonly place: Scalable; readonly exponent: number; readonly scales: Float32Array }[] = [];
  const size = Math.max(1, Math.ceil(places.length / CORRECTIONS));
  for (let from = 0; from < places.length; from += size) {
    const part = places.slice(from, from + size);
    const readers = part.flatMap((p) => p.readers.map((r) => r.product));
    const grams = await gatherGrams(graph, readers, (v) => v, samples, options);
    for (const place of part) {
      if (place.readers.every((r) => grams.has(r.product))) found.push({ place, ...(await bestScales(place, optionsOf, grams)) });
    }
  }
  const scaled = found.filter((f) => f.exponent !== 0);
  insertFactors(
    graph,
    scaled.map(({ place, scales }) => [place, scales] as const),
  );
  inferGraph(graph, { concrete: false });
  return scaled.length;
}

async function bestScales({ readers, channels }: Scalable, optionsOf: (product: Product) => FewBitsOptions, grams: ReadonlyMap<Product, Constant>) {
  const energy = new Float64Array(channels);
  const errors = new Float64Array(EXPONENTS.length);
  for (const { product } of readers) {
    const gram = grams.get(product) as Constant;
    const k = gram.dims[2] as number;
    const { buffer, byteOffset } = gram.read();
    // A view: of the matrix only the diagonal is looked at.
    const values = new Float32Array(buffer, byteOffset, k * k);
    for (let i = 0; i < k; i++) energy[Math.floor((i * channels) / k)] = (energy[Math.floor((i * channels) / k)] as number) + (values[i * k + i] as number);
  }
  const candidates = EXPONENTS.map((a) => scalesOf(energy, a));
  for (const { product } of readers) {
    const gram = grams.get(product) as Constant;
    const taps = (gram.dims[2] as number) / channels;
    const results = await runConstants(
      scaledErrors(
        product,
        optionsOf(product),
        gram,
        candidates.map((s) => Float32Array.from({ length: channels * taps }, (_, i) => s[Math.floor(i / taps)] as number)),
      ),
    );
    for (let i = 0; i < errors.length; i++) errors[i] = (errors[i] as number) + ((results[`error:${i}`] as { data: Float32Array }).data[0] as number);
  }
  const best = errors.indexOf(Math.min(...errors));
  return { exponent: EXPONENTS[best] as number, scales: candidates[best] as Float32Array };
}
