import { describe, expect, it } from 'vitest';
import { cases, lpCase, momentsCase, rowsCase } from '../../bench/cases/norm.js';
import { callKernel, rowNamed, rowsOf } from './harness.js';

type Numbers = Record<string, number>;
type Operands = (Float32Array | undefined)[];

const mean = (list: number[]) => list.reduce((a, b) => a + b, 0) / list.length;
const variance = (list: number[], m: number) => mean(list.map((v) => (v - m) ** 2));

/** The definitions, in float64. */
const definitions: Record<string, (p: Numbers, inputs: Operands) => (number[] | undefined)[]> = {
  norm_rows(p, [x, skip, skipBias, scale, bias]) {
    const { rows, n, segment, period, skipRows, epsilon, kind } = p as Numbers &
      Record<'rows' | 'n' | 'segment' | 'period' | 'skipRows' | 'epsilon' | 'kind', number>;
    const out: [number[], number[], number[], number[]] = [[], [], [], []];
    for (let r = 0; r < rows; r++) {
      const s = Array.from({ length: n }, (_, i) => (x?.[r * n + i] as number) + (skip?.[(r % skipRows) * n + i] ?? 0) + (skipBias?.[i] ?? 0));
      const m = kind === 1 ? 0 : mean(s);
      const inverse = 1 / Math.sqrt(variance(s, m) + Math.fround(epsilon));
      out[1].push(m);
      out[2].push(inverse);
      s.forEach((v, i) => {
        const k = (r % period) * (n / segment) + Math.floor(i / segment);
        out[0].push((v - m) * inverse * (scale?.[k] ?? 1) + (bias?.[k] ?? 0));
        out[3].push(v);
      });
    }
    return out;
  },
  moments(p, [x, oldMean, oldVariance]) {
    const { outer, channels, inner, momentum } = p as Numbers & Record<'outer' | 'channels' | 'inner' | 'momentum', number>;
    const lists = Array.from({ length: channels }, (_, c) => (x as Float32Array).filter((_, i) => Math.floor(i / inner) % channels === c));
    if (lists.some((l) => l.length !== outer * inner)) throw new Error('the definition is wrong');
    const means = lists.map((l) => mean([...l]));
    const variances = lists.map((l, c) => variance([...l], means[c] as number));
    const run = (old: Float32Array | undefined, now: number[]) => old && now.map((v, c) => (old[c] as number) * momentum + v * (1 - momentum));
    return [means, variances, run(oldMean, means), run(oldVariance, variances)];
  },
  channel_norm(p, [x, m, v, scale, bias]) {
    const { channels, inner, kind } = p as Numbers & Record<'channels' | 'inner' | 'kind', number>;
    const epsilon = Math.fround(p['epsilon'] as number);
    const y = [...(x as Float32Array)].map((e, i) => {
      const c = Math.floor(i / inner) % channels;
      const spread = kind === 0 ? Math.sqrt((v?.[c] as number) + epsilon) : Math.sqrt(v?.[c] as number) + epsilon;
      return ((e - (m?.[c] as number)) / spread) * (scale?.[c] ?? 1) + (bias?.[c] ?? 0);
    });
    return [y];
  },
  lp_norm(params, [x]) {
    const { p, n, inner } = params as Numbers & Record<'p' | 'n' | 'inner', number>;
    const norms = new Map<number, number>();
    const key = (i: number) => Math.floor(i / (n * inner)) * inner + (i % inner);
    x?.forEach((v, i) => {
      norms.set(key(i), (norms.get(key(i)) ?? 0) + Math.abs(v) ** p);
    });
    return [[...(x as Float32Array)].map((v, i) => (norms.get(key(i)) === 0 ? 0 : v / (norms.get(key(i)) as number) ** (1 / p)))];
  },
  lrn(p, [x]) {
    const { size, beta, bias, channels, inner } = p as Numbers & Record<'size' | 'beta' | 'bias' | 'channels' | 'inner', number>;
    const alpha = Math.fround(p['alpha'] as number);
    return [
      [...(x as Float32Array)].map((v, i) => {
        const c = Math.floor(i / inner) % channels;
        let square = 0;
        for (let k = Math.max(0, c - Math.floor((size - 1) / 2)); k <= Math.min(channels - 1, c + Math.ceil((size - 1) / 2)); k++)
          square += (x?.[i + (k - c) * inner] as number) ** 2;
        return v * (bias + (alpha / size) * square) ** -beta;
      }),
    ];
  },
};

const u = 2 ** -24;
/**
 * Sums carry 40 u (reduce/fold.inl). With |x| ≤ 5, deviations of at least 0.3 (uniform over an interval of 5, or √epsilon
 * where a row has one element) and scales up to 2, the mean's 40·5 u is divided by the deviation and scaled, and the
 * inverse adds (20 + 3) u relatively; 2 u for each of the five last operations: 2000 u absolute covers every case.
 * A row of one element is exactly 0 before scale and bias.
 */
const tolerance = (y: number) => 2000 * u + 60 * u * Math.abs(y);

describe.each(Object.keys(definitions))('%s', (op) => {
  describe.each(rowsOf(op, 'f32'))('$name', (row) => {
    it('is within its bound of the float64 definition, and the same for any thread count', () => {
      for (const c of cases) {
        if (c.bench || c.op !== op) continue;
        const inputs = c.inputs() as Operands;
        const want = definitions[op]?.(c.params as Numbers, inputs) ?? [];
        let first: Operands | undefined;
        for (const threads of [1, 2, 3]) {
          const outputs = c.outputs() as Operands;
          callKernel(row, c.schema, c.params as never, outputs, inputs, { threads });
          outputs.forEach((y, k) => {
            if (first !== undefined) expect(y && Buffer.from(y.buffer), c.name).toEqual(first[k] && Buffer.from((first[k] as Float32Array).buffer));
            y?.forEach((v, i) => {
              const w = want[k]?.[i] as number;
              if (!(Math.abs(v - w) <= tolerance(w) * (k === 2 && op === 'norm_rows' ? 400 : 1))) expect.fail(`${c.name} output ${k} at ${i}: ${v} for ${w}`);
            });
          });
          first ??= outputs;
        }
      }
    });
    it('equals the scalar row, bit for bit where nothing is fused', () => {
      const scalar = rowNamed(`${op}_f32_scalar`);
      for (const c of cases) {
        if (c.bench || c.op !== op) continue;
        const y = c.outputs() as Operands;
        const z = c.outputs() as Operands;
        callKernel(row, c.schema, c.params as never, y, c.inputs());
        callKernel(scalar, c.schema, c.params as never, z, c.inputs());
        if (op !== 'lrn') expect(y, c.name).toEqual(z);
        else
          y[0]?.forEach((v, i) => {
            expect(Math.abs(v - (z[0]?.[i] as number))).toBeLessThanOrEqual(2 * tolerance(v));
          });
      }
    });
  });
});

describe.each(rowsOf('norm_rows', 'f32'))('$name', (row) => {
  it('does not lose the variance of large means', () => {
    const x = Float32Array.from({ length: 1000 }, (_, i) => 4096 + (i % 2));
    const y = new Float32Array(1000);
    const c = rowsCase(1, 1000);
    callKernel(row, c.schema, { ...c.params, epsilon: 0 } as never, [y, undefined, undefined, undefined], [x, undefined, undefined, undefined, undefined]);
    expect(y[0]).toBeCloseTo(-1, 6);
    expect(y[1]).toBeCloseTo(1, 6);
  });
  it('gives NaN for NaN, in that row only', () => {
    const c = rowsCase(2, 20, { scale: true });
    const inputs = c.inputs() as Operands;
    (inputs[0] as Float32Array)[3] = NaN;
    const outputs = c.outputs() as Operands;
    callKernel(row, c.schema, c.params as never, outputs, inputs);
    expect(outputs[0]?.slice(0, 20).every(Number.isNaN)).toBe(true);
    expect(outputs[0]?.slice(20).some(Number.isNaN)).toBe(false);
  });
  it('refuses parameters that do not fit its operands', () => {
    const c = rowsCase(6, 20, { segment: 5, period: 2, skipRows: 3, scale: true, bias: true, statistics: true, sum: true });
    const call = (change: Numbers) => () => callKernel(row, c.schema, { ...c.params, ...change } as never, c.outputs(), c.inputs());
    call({})();
    expect(call({ kind: 2 })).toThrow(/kind/);
    expect(call({ n: 0 })).toThrow(/at least 1/);
    expect(call({ rows: -1 })).toThrow(/at least 0/);
    expect(call({ rows: 7 })).toThrow(/must hold/);
    expect(call({ segment: 3 })).toThrow(/divide/);
    expect(call({ segment: 0 })).toThrow(/divide/);
    expect(call({ period: 0 })).toThrow(/period/);
    expect(call({ period: 3 })).toThrow(/scale must hold/);
    expect(call({ skipRows: 4 })).toThrow(/skip must hold/);
    expect(call({ n: 5 * 2 ** 50, rows: 2 ** 40 })).toThrow(/must hold/);
  });
});

it('refuses what moments, lp_norm and lrn cannot run', () => {
  const [moments] = rowsOf('moments', 'f32');
  const m = momentsCase(3, 5, 17);
  const refuse = (change: Numbers) => () => callKernel(moments as never, m.schema, { ...m.params, ...change } as never, m.outputs(), m.inputs());
  expect(refuse({ outer: 0 })).toThrow(/at least 1/);
  expect(refuse({ channels: 6 })).toThrow(/must hold/);
  const [lp] = rowsOf('lp_norm', 'f32');
  const c = lpCase(1, 2, 3, 4);
  expect(() => callKernel(lp as never, c.schema, { ...c.params, p: 3 } as never, c.outputs(), c.inputs())).toThrow(/p must/);
});

it('maps a zero vector to zero', () => {
  for (const inner of [1, 3]) {
    const c = lpCase(2, 1, 4, inner);
    for (const row of rowsOf('lp_norm', 'f32')) {
      const y = new Float32Array(4 * inner).fill(7);
      callKernel(row, c.schema, c.params as never, [y], [new Float32Array(4 * inner)]);
      expect(y.every((v) => v === 0)).toBe(true);
    }
  }
});

it('normalises half precision with float32 statistics', () => {
  const [row] = rowsOf('norm_rows', 'f16');
  const c = rowsCase(1, 2);
  const y = new Uint16Array(2);
  const m = new Float32Array(1);
  const x = Uint16Array.from([0x3c00, 0x4200]); // 1, 3
  callKernel(row as never, c.schema, { ...c.params, epsilon: 0 } as never, [y, m, undefined, undefined], [x, undefined, undefined, undefined, undefined]);
  expect([...y]).toEqual([0xbc00, 0x3c00]);
  expect(m[0]).toBe(2);
});
