import { describe, expect, it } from 'vitest';
import { type CellCase, cases, cellCase, packCell } from '../../bench/cases/rnn.js';
import { gemmPackBParams } from '../../lib/kernels/gemm.js';
import { CELL_PANEL, cellActivation, cellGates } from '../../lib/kernels/rnn.js';
import { callKernel, randomFloats, rowNamed, rowOf, rowsOf } from './harness.js';

type F32 = Float32Array;

const activations: Record<(typeof cellActivation.members)[number], (x: number, alpha: number, beta: number) => number> = {
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  relu: (x) => Math.max(0, x),
  affine: (x, a, b) => a * x + b,
  leakyRelu: (x, a) => (x < 0 ? a * x : x),
  thresholdedRelu: (x, a) => (x > a ? x : 0),
  scaledTanh: (x, a, b) => a * Math.tanh(b * x),
  hardSigmoid: (x, a, b) => Math.min(1, Math.max(0, a * x + b)),
  elu: (x, a) => (x < 0 ? a * Math.expm1(x) : x),
  softsign: (x) => x / (1 + Math.abs(x)),
  softplus: (x) => Math.log1p(Math.exp(x)),
};

/** The operators' equations in float64, one unit at a time. */
function reference(c: CellCase): number[][] {
  const p = c.params as { [name: string]: number } & { activation: number[]; alpha: number[]; beta: number[] };
  const { directions, reverse, layout, steps, batch, hidden, clip } = p as unknown as Record<string, number> & {
    directions: number;
    reverse: number;
    layout: number;
    steps: number;
    batch: number;
    hidden: number;
    clip: number;
  };
  const gates = cellGates[c.kind];
  const inputs = c.inputs();
  const [, , , bias, lengths, h0, c0, peephole] = inputs as unknown as (F32 | undefined)[];
  const weights = c.weights();
  const y = new Array<number>(steps * directions * batch * hidden).fill(0);
  const yh = new Array<number>(directions * batch * hidden).fill(0);
  const yc = new Array<number>(directions * batch * hidden).fill(0);
  for (let d = 0; d < directions; d++) {
    const f = (which: number, x: number) => {
      const limited = clip > 0 ? Math.min(clip, Math.max(-clip, x)) : x;
      const i = d * 3 + which;
      const name = cellActivation.members[p.activation[i] as number] as keyof typeof activations;
      // the state's activation of an LSTM is not clipped
      return activations[name](c.kind === 'lstm' && which === 2 ? x : limited, Math.fround(p.alpha[i] as number), Math.fround(p.beta[i] as number));
    };
    for (let b = 0; b < batch; b++) {
      const stateAt = (layout === 1 ? b * directions + d : d * batch + b) * hidden;
      let h = Array.from({ length: hidden }, (_, j) => h0?.[stateAt + j] ?? 0);
      let state = Array.from({ length: hidden }, (_, j) => c0?.[stateAt + j] ?? 0);
      const length = lengths?.[b] ?? steps;
      for (let s = 0; s < length; s++) {
        const t = (reverse >> d) & 1 ? length - 1 - s : s;
        const from = (layout === 1 ? b * steps + t : t * batch + b) * gates * hidden;
        const x = (g: number, j: number) => (inputs[d] as F32)[from + g * hidden + j] as number;
        const rb = (g: number, j: number) => bias?.[(d * 2 + 1) * gates * hidden + g * hidden + j] ?? 0;
        const dot = (g: number, j: number, v: number[]) =>
          v.reduce((sum, e, k) => sum + e * (weights[((d * gates + g) * hidden + j) * hidden + k] as number), 0);
        const units = Array.from({ length: hidden }, (_, j) => j);
        if (c.kind === 'rnn') h = units.map((j) => f(0, x(0, j) + rb(0, j) + dot(0, j, h)));
        else if (c.kind === 'gru') {
          const z = units.map((j) => f(0, x(0, j) + rb(0, j) + dot(0, j, h)));
          const r = units.map((j) => f(0, x(1, j) + rb(1, j) + dot(1, j, h)));
          const rh = h.map((e, k) => e * (r[k] as number));
          const n = units.map((j) =>
            f(1, p['linearBeforeReset'] ? x(2, j) + (r[j] as number) * (rb(2, j) + dot(2, j, h)) : x(2, j) + rb(2, j) + dot(2, j, rh)),
          );
          h = h.map((e, j) => (1 - (z[j] as number)) * (n[j] as number) + (z[j] as number) * e);
        } else {
          const peep = (g: number, j: number) => peephole?.[(d * 3 + g) * hidden + j] ?? 0;
          const a = (g: number) => units.map((j) => x(g, j) + rb(g, j) + dot(g, j, h));
          const [ai, ao, af, ac] = [a(0), a(1), a(2), a(3)] as [number[], number[], number[], number[]];
          const before = state;
          const i = units.map((j) => f(0, (ai[j] as number) + peep(0, j) * (before[j] as number)));
          const forget = units.map((j) => (p['inputForget'] ? 1 - (i[j] as number) : f(0, (af[j] as number) + peep(2, j) * (before[j] as number))));
          state = units.map((j) => (forget[j] as number) * (before[j] as number) + (i[j] as number) * f(1, ac[j] as number));
          h = units.map((j) => f(0, (ao[j] as number) + peep(1, j) * (state[j] as number)) * f(2, state[j] as number));
        }
        const at = (layout === 1 ? (b * steps + t) * directions + d : (t * directions + d) * batch + b) * hidden;
        h.forEach((v, j) => {
          y[at + j] = v;
        });
      }
      h.forEach((v, j) => {
        yh[stateAt + j] = v;
        yc[stateAt + j] = state[j] as number;
      });
    }
  }
  return [y, yh, yc];
}

const u = 2 ** -24;
/**
 * A gate sums projection (≤ 2), bias (≤ 1) and hidden terms |h·R| ≤ 1/√hidden·|h|: every addition rounds a partial sum of at
 * most 3 + √hidden·|h|, so (hidden + 4)·(4 + √hidden)·u; activations have slope ≤ 1 and 3 ulp of their own. The state
 * carries the error of a step on, amplified by at most 2 (weights of norm ≤ 1, gate and candidate both depend on h), at most
 * four steps: 2⁴. With h up to 4 (softplus, relu) it stays within a factor 4.
 */
const tolerance = (hidden: number) => 64 * (hidden + 4) * (4 + Math.sqrt(hidden)) * u;

describe.each(rowsOf('recurrent', 'f32'))('$name', (row) => {
  it('is within its bound of the equations in float64, the same for any thread count', () => {
    for (const c of cases) {
      if (c.bench) continue;
      const want = reference(c);
      let first: (F32 | undefined)[] | undefined;
      for (const threads of [1, 2, 3]) {
        const outputs = c.outputs() as (F32 | undefined)[];
        callKernel(row, c.schema, c.params as never, outputs, c.inputs(), { threads });
        outputs.forEach((y, k) => {
          y?.forEach((v, i) => {
            const w = want[k]?.[i] as number;
            if (!(Math.abs(v - w) <= tolerance(c.params['hidden'] as number))) expect.fail(`${c.name} output ${k} at ${i}: ${v} for ${w}`);
          });
          if (first !== undefined) expect(y, c.name).toEqual(first[k]);
        });
        first ??= outputs;
      }
    }
  });
  it('agrees with the scalar row, within twice the bound', () => {
    const scalar = rowNamed('recurrent_f32_scalar');
    for (const c of cases) {
      if (c.bench) continue;
      const y = c.outputs() as (F32 | undefined)[];
      const z = c.outputs() as (F32 | undefined)[];
      callKernel(row, c.schema, c.params as never, y, c.inputs());
      callKernel(scalar, c.schema, c.params as never, z, c.inputs());
      y.forEach((list, k) => {
        list?.forEach((v, i) => {
          expect(Math.abs(v - (z[k]?.[i] as number))).toBeLessThanOrEqual(2 * tolerance(c.params['hidden'] as number));
        });
      });
    }
  });
  it('steps one sequence as it steps four, bit for bit', () => {
    const four = cellCase('lstm', 3, 4, 40, { bias: true });
    const inputs = four.inputs() as F32[];
    const y = four.outputs() as F32[];
    callKernel(row, four.schema, four.params as never, y, inputs);
    const one = cellCase('lstm', 3, 1, 40, { bias: true });
    const gates = 4 * 40;
    for (let b = 0; b < 4; b++) {
      const projection = Float32Array.from(
        { length: 3 * gates },
        (_, i) => (inputs[0] as F32)[(Math.floor(i / gates) * 4 + b) * gates + (i % gates)] as number,
      );
      const z = one.outputs() as F32[];
      callKernel(row, one.schema, one.params as never, z, [projection, ...inputs.slice(1)]);
      expect([...(z[1] as F32)]).toEqual([...(y[1] as F32).slice(b * 40, (b + 1) * 40)]);
    }
  });
  it('leaves out what nobody reads', () => {
    const c = cellCase('lstm', 2, 1, 9, { initial: true });
    const all = c.outputs() as F32[];
    callKernel(row, c.schema, c.params as never, all, c.inputs());
    const [, yh] = c.outputs();
    callKernel(row, c.schema, c.params as never, [undefined, yh, undefined], c.inputs());
    expect(yh).toEqual(all[1]);
  });
  it('faults on lengths that lie outside the sequence', () => {
    for (const bad of [-1, 5, 2 ** 31 - 1]) {
      const c = cellCase('gru', 4, 2, 3, { lengths: [2, bad] });
      expect(() => callKernel(row, c.schema, c.params as never, c.outputs(), c.inputs())).toThrow();
    }
  });
  it('refuses parameters that do not fit its operands', () => {
    const c = cellCase('lstm', 3, 2, 20, { bias: true, initial: true, lengths: [1, 2], peepholes: true });
    const call = (change: Record<string, number | number[]>) => () => callKernel(row, c.schema, { ...c.params, ...change } as never, c.outputs(), c.inputs());
    call({})();
    expect(call({ kind: 3 })).toThrow(/kind/);
    expect(call({ directions: 3 })).toThrow(/directions/);
    expect(call({ directions: 2 })).toThrow(/must hold/);
    expect(call({ layout: 2 })).toThrow(/layout/);
    expect(call({ activation: [0, 11] })).toThrow(/activation/);
    expect(call({ steps: 4 })).toThrow(/must hold/);
    expect(call({ batch: 3 })).toThrow(/must hold/);
    expect(call({ hidden: 0 })).toThrow(/at least 1/);
    expect(call({ hidden: 21 })).toThrow(/must hold/);
    expect(call({ steps: 2 ** 50, batch: 2 ** 40 })).toThrow(/overflow/);
  });
});

it('reads the panels that gemm_pack_b writes', () => {
  const hidden = 18;
  const weights = randomFloats(3 * hidden * hidden, 1);
  const packed = packCell(weights, 3, hidden);
  const out = new Float32Array(packed.length);
  callKernel(
    rowOf('gemm_pack_b', 'f32'),
    gemmPackBParams,
    { count: 3, k: hidden, n: hidden, ldb: hidden, stride: hidden * hidden, transB: 1, nr: CELL_PANEL },
    [out],
    [weights],
  );
  expect(out).toEqual(packed);
});
