/** Decoders as plain loops over whole texts in float64: no caches, no chunks, nothing of the library. */

export interface Layer {
  readonly attentionNorm: Vector;
  readonly attentionNormBias?: Vector;
  /** Rows of outputs. */
  readonly query: Matrix;
  readonly key: Matrix;
  readonly value: Matrix;
  readonly queryBias?: Vector;
  readonly keyBias?: Vector;
  readonly valueBias?: Vector;
  readonly queryNorm?: Vector;
  readonly keyNorm?: Vector;
  readonly output: Matrix;
  readonly outputBias?: Vector;
  readonly feedNorm: Vector;
  readonly feedNormBias?: Vector;
  readonly gate?: Matrix;
  readonly up: Matrix;
  readonly upBias?: Vector;
  readonly down: Matrix;
  readonly downBias?: Vector;
}

export type Vector = ArrayLike<number>;
/** Rows of outputs; `columns` numbers each. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly at: (row: number, column: number) => number;
}

export interface ReferenceModel {
  readonly heads: number;
  readonly keyHeads: number;
  readonly headWidth: number;
  readonly epsilon: number;
  readonly window: number;
  /** Radians of a step by pair; undefined with learned positions. */
  readonly frequencies: readonly number[] | undefined;
  /** Of what is turned; default 1. */
  readonly turnScale?: number;
  readonly interleaved: boolean;
  readonly embedding: Matrix;
  readonly positions?: Matrix;
  readonly finalNorm: Vector;
  readonly finalNormBias?: Vector;
  readonly head: Matrix;
  readonly layers: readonly Layer[];
}

const row = (m: Matrix, i: number) => Array.from({ length: m.columns }, (_, j) => m.at(i, j));
const plus = (a: Vector, b: Vector | undefined) => Array.from(a, (x, i) => x + (b === undefined ? 0 : (b[i] as number)));

function product(m: Matrix, x: Vector, bias?: Vector): number[] {
  const y = Array.from({ length: m.rows }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < m.columns; j++) sum += m.at(i, j) * (x[j] as number);
    return sum;
  });
  return plus(y, bias);
}

function norm(x: Vector, scale: Vector, bias: Vector | undefined, epsilon: number): number[] {
  const list = Array.from(x);
  const mean = bias === undefined ? 0 : list.reduce((a, b) => a + b, 0) / list.length;
  const variance = list.reduce((a, b) => a + (b - mean) ** 2, 0) / list.length;
  return plus(
    list.map((v, i) => ((v - mean) / Math.sqrt(variance + epsilon)) * (scale[i] as number)),
    bias,
  );
}

function turned(x: number[], position: number, { frequencies, interleaved, turnScale = 1 }: ReferenceModel): number[] {
  if (frequencies === undefined) return x;
  const y = [...x];
  frequencies.forEach((f, i) => {
    const [a, b] = interleaved ? [2 * i, 2 * i + 1] : [i, i + frequencies.length];
    const [c, s] = [turnScale * Math.cos(position * f), turnScale * Math.sin(position * f)];
    y[a] = (x[a] as number) * c - (x[b] as number) * s;
    y[b] = (x[a] as number) * s + (x[b] as number) * c;
  });
  return y;
}

/** Scores of what follows `tokens`. */
export function referenceScores(model: ReferenceModel, tokens: readonly number[]): number[] {
  let xs = tokens.map((t, i) => plus(row(model.embedding, t), model.positions && row(model.positions, i)));
  const { headWidth, heads, keyHeads, epsilon } = model;
  const split = (x: number[], n: number, scale: Vector | undefined, position: number, turn: boolean) =>
    Array.from({ length: n }, (_, h) => {
      const part = x.slice(h * headWidth, (h + 1) * headWidth);
      const normed = scale === undefined ? part : norm(part, scale, undefined, epsilon);
      return turn ? turned(normed, position, model) : normed;
    });
  for (const l of model.layers) {
    const inputs = xs.map((x) => norm(x, l.attentionNorm, l.attentionNormBias, epsilon));
    const q = inputs.map((x, i) => split(product(l.query, x, l.queryBias), heads, l.queryNorm, i, true));
    const k = inputs.map((x, i) => split(product(l.key, x, l.keyBias), keyHeads, l.keyNorm, i, true));
    const v = inputs.map((x, i) => split(product(l.value, x, l.valueBias), keyHeads, undefined, i, false));
    xs = xs.map((x, i) => {
      const mixed = Array.from({ length: heads }, (_, h) => {
        const group = Math.floor((h * keyHeads) / heads);
        const first = model.window > 0 ? Math.max(0, i - model.window + 1) : 0;
        const query = q[i]?.[h] ?? [];
        const scores = Array.from({ length: i - first + 1 }, (_, j) => {
          const key = k[first + j]?.[group] as number[];
          return query.reduce((sum, a, d) => sum + a * (key[d] as number), 0) / Math.sqrt(headWidth);
        });
        const most = Math.max(...scores);
        const weights = scores.map((s) => Math.exp(s - most));
        const total = weights.reduce((a, b) => a + b, 0);
        return Array.from({ length: headWidth }, (_, d) => weights.reduce((sum, w, j) => sum + (w / total) * (v[first + j]?.[group]?.[d] as number), 0));
      }).flat();
      const attended = plus(x, product(l.output, mixed, l.outputBias));
      const y = norm(attended, l.feedNorm, l.feedNormBias, epsilon);
      const up = product(l.up, y, l.upBias);
      const gate = l.gate && product(l.gate, y);
      const inner = up.map((u, j) => {
        const g = gate?.[j];
        if (g !== undefined) return (g / (1 + Math.exp(-g))) * u;
        return 0.5 * u * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (u + 0.044715 * u ** 3)));
      });
      return plus(attended, product(l.down, inner, l.downBias));
    });
  }
  return product(model.head, norm(xs.at(-1) as number[], model.finalNorm, model.finalNormBias, epsilon));
}
