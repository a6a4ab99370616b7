import { describe, expect, it } from 'vitest';
import { Graph } from '../../lib/graph/graph.js';
import { compressParams, nonMaxSuppressionParams, nonZeroParams, uniqueParams } from '../../lib/kernels/dynamic.js';
import { dynamicOperators, isDynamic } from '../../lib/ops/dynamic.js';
import { inferNode } from '../../lib/ops/infer.js';
import { callKernel, mulberry32, randomFloats, rowNamed } from './harness.js';

const i64 = (n: number) => new BigInt64Array(n).fill(-7n);

describe('nonzero', () => {
  const row = rowNamed('nonzero_scalar');
  it.each([[[]], [[0]], [[17]], [[3, 5]], [[2, 1, 4, 3]], [[2, 0, 3]]])('lists coordinates of %j', (dims) => {
    const n = dims.reduce((a, b) => a * b, 1);
    const next = mulberry32(n);
    const x = Float32Array.from({ length: n }, () => (next() < 0.5 ? (next() < 0.5 ? -0 : 0) : next() < 0.2 ? NaN : next()));
    const y = i64(n * dims.length);
    const count = i64(1);
    callKernel(row, nonZeroParams, { elementBytes: 4, floating: 1, rank: dims.length, unused: 0, dims }, [y, count], [x]);
    const found = [...x.keys()].filter((i) => x[i] !== 0);
    expect(Number(count[0])).toBe(found.length);
    const want = dims.flatMap((_, d) => {
      const inner = dims.slice(d + 1).reduce((a, b) => a * b, 1);
      return found.map((i) => BigInt(Math.floor(i / inner) % (dims[d] as number)));
    });
    expect([...y]).toEqual([...want, ...new Array(y.length - want.length).fill(0n)]);
  });
  it('tells a sign from a bit', () => {
    const count = i64(1);
    const params = { elementBytes: 1, floating: 0, rank: 1, unused: 0, dims: [3] };
    callKernel(row, nonZeroParams, params, [i64(3), count], [Uint8Array.of(0x80, 0, 1)]);
    expect(count[0]).toBe(2n);
    callKernel(row, nonZeroParams, { ...params, floating: 1 }, [i64(3), count], [Uint8Array.of(0x80, 0, 1)]);
    expect(count[0]).toBe(1n);
  });
  it('refuses shapes that do not fit', () => {
    const run = (params: object) => () =>
      callKernel(row, nonZeroParams, { elementBytes: 4, floating: 1, rank: 1, unused: 0, dims: [3], ...params }, [i64(3), i64(1)], [new Float32Array(3)]);
    expect(run({})).not.toThrow();
    expect(run({ dims: [4] })).toThrow(/must hold/);
    expect(run({ rank: 9 })).toThrow(/rank/);
    expect(run({ rank: 3, dims: [2 ** 40, 2 ** 40, 0] })).toThrow(/must hold/);
    expect(run({ elementBytes: 3 })).toThrow(/elementBytes/);
  });
});

describe('compress', () => {
  const row = rowNamed('compress_scalar');
  it('takes slices along a middle axis, conditions short, long and of any value', () => {
    for (const conditions of [0, 2, 5, 9]) {
      const next = mulberry32(conditions);
      const condition = Uint8Array.from({ length: conditions }, () => (next() < 0.5 ? 0 : 1 + Math.floor(next() * 255)));
      const x = Uint16Array.from({ length: 3 * 5 * 2 }, (_, i) => i + 1);
      const y = new Uint16Array(x.length).fill(99);
      const count = i64(1);
      callKernel(row, compressParams, { outer: 3, length: 5, innerBytes: 4, conditions }, [y, count], [x, condition]);
      const want = [...x].filter((_, i) => (condition[Math.floor(i / 2) % 5] ?? 0) !== 0);
      expect(Number(count[0]) * 6).toBe(want.length);
      expect([...y]).toEqual([...want, ...new Array(x.length - want.length).fill(0)]);
    }
  });
  it('refuses shapes that do not fit', () => {
    const run = (params: object) => () =>
      callKernel(
        row,
        compressParams,
        { outer: 1, length: 3, innerBytes: 2, conditions: 3, ...params },
        [new Uint16Array(3), i64(1)],
        [new Uint16Array(3), new Uint8Array(3)],
      );
    expect(run({})).not.toThrow();
    expect(run({ length: 4 })).toThrow(/must hold/);
    expect(run({ conditions: 4 })).toThrow(/condition/);
    expect(run({ outer: -1, length: -3 })).toThrow(/must hold/);
  });
});

describe('unique', () => {
  it.each([
    ['sorted', 1],
    ['in order of appearance', 0],
  ])('finds slices along an axis, %s', (_, sorted) => {
    for (const [outer, length, inner] of [
      [1, 50, 1],
      [2, 30, 2],
      [1, 1, 3],
      [1, 0, 1],
    ] as const) {
      const x = randomFloats(outer * length * inner, 3).map((v) => (v > 0.6 ? NaN : Math.round(v * 1.4)));
      const y = new Float32Array(x.length);
      const [first, inverse, counts, count] = [i64(length), i64(length), i64(length), i64(1)];
      callKernel(rowNamed('unique_f32_scalar'), uniqueParams, { outer, length, inner, sorted, unused: 0 }, [y, count, first, inverse, counts], [x]);

      const slice = (k: number) =>
        Array.from({ length: outer }, (_, o) => Array.from({ length: inner }, (_, i) => x[(o * length + k) * inner + i] as number)).flat();
      const key = (k: number) =>
        slice(k)
          .map((v) => (v === 0 ? 0 : v))
          .join();
      const groups = new Map<string, number[]>();
      for (let k = 0; k < length; k++) groups.set(key(k), [...(groups.get(key(k)) ?? []), k]);
      const rank = (v: number) => (Number.isNaN(v) ? Infinity : v);
      const ordered = [...groups.values()];
      if (sorted) {
        ordered.sort((a, b) => {
          const [u, v] = [slice(a[0] as number).map(rank), slice(b[0] as number).map(rank)];
          const i = u.findIndex((e, j) => e !== v[j]);
          return i < 0 ? 0 : (u[i] as number) < (v[i] as number) ? -1 : 1;
        });
      }
      const n = Number(count[0]);
      expect(n).toBe(ordered.length);
      expect([...first.subarray(0, n)].map(Number)).toEqual(ordered.map((g) => g[0]));
      expect([...counts.subarray(0, n)].map(Number)).toEqual(ordered.map((g) => g.length));
      expect([...inverse].map(Number)).toEqual(Array.from({ length }, (_, k) => ordered.findIndex((g) => g.includes(k))));
      const want = Array.from({ length: outer }, (_, o) => ordered.map((g) => slice(g[0] as number).slice(o * inner, (o + 1) * inner))).flat(2);
      expect([...y.subarray(0, n * outer * inner)]).toEqual(want);
    }
  });
  it('refuses shapes that do not fit', () => {
    const run = (params: object) => () =>
      callKernel(
        rowNamed('unique_i64_scalar'),
        uniqueParams,
        { outer: 1, length: 3, inner: 1, sorted: 1, unused: 0, ...params },
        [i64(3), i64(1), undefined, i64(3), undefined],
        [i64(3)],
      );
    expect(run({})).not.toThrow();
    expect(run({ length: 4 })).toThrow(/must hold/);
    expect(run({ inner: 0, length: 2 ** 40 })).toThrow(/must hold/);
    expect(run({ sorted: 2 })).toThrow(/sorted/);
  });
});

describe('non-maximum suppression', () => {
  const row = rowNamed('nms_scalar');
  const [batches, classes, boxes] = [2, 3, 40];
  const corners = randomFloats(batches * boxes * 4, 5, 0, 10);
  const scores = randomFloats(batches * classes * boxes, 6).map((v) => Math.round(v * 20) / 20); // many ties
  function reference(most: number, iou: number, threshold: number): number[][] {
    const kept: number[][] = [];
    for (let b = 0; b < batches; b++)
      for (let c = 0; c < classes; c++) {
        const score = (i: number) => scores[(b * classes + c) * boxes + i] as number;
        const box = (i: number) => {
          const [y0, x0, y1, x1] = corners.subarray((b * boxes + i) * 4, (b * boxes + i) * 4 + 4) as unknown as [number, number, number, number];
          return [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)] as const;
        };
        const area = (r: readonly [number, number, number, number]) => Math.max(0, r[2] - r[0]) * Math.max(0, r[3] - r[1]);
        const overlap = (i: number, j: number) => {
          const [p, q] = [box(i), box(j)];
          const both = area([Math.max(p[0], q[0]), Math.max(p[1], q[1]), Math.min(p[2], q[2]), Math.min(p[3], q[3])]);
          return both / (area(p) + area(q) - both);
        };
        const mine: number[] = [];
        for (const i of [...Array(boxes).keys()].sort((i, j) => score(j) - score(i) || i - j))
          if (score(i) > threshold && mine.length < most && mine.every((j) => overlap(i, j) <= iou)) mine.push(i);
        kept.push(...mine.map((i) => [b, c, i]));
      }
    return kept;
  }
  const params = { batches, classes, boxes, limit: batches * classes * boxes, centerPoint: 0, unused: 0 };
  it.each([
    [40, 0.3, -0.5],
    [3, 0.3, 0.2],
    [40, 0, -2],
    [0, 0.5, 0],
    [-5, 0.5, 0],
  ])('keeps at most %i with overlap %d above score %d', (most, iou, threshold) => {
    const y = i64(params.limit * 3);
    const count = i64(1);
    callKernel(
      row,
      nonMaxSuppressionParams,
      params,
      [y, count],
      [corners, scores, BigInt64Array.of(BigInt(most)), Float32Array.of(iou), Float32Array.of(threshold)],
    );
    const want = reference(most, iou, Math.fround(threshold)).flat();
    expect(Number(count[0]) * 3).toBe(want.length);
    expect([...y.subarray(0, want.length)].map(Number)).toEqual(want);
  });
  it('takes any contents, and faults when more is kept than there is room for', () => {
    const run = (limit: number, boxesOf: Float32Array, scoresOf: Float32Array) => () =>
      callKernel(
        row,
        nonMaxSuppressionParams,
        { ...params, limit },
        [i64(limit * 3), i64(1)],
        [boxesOf, scoresOf, BigInt64Array.of(2n ** 62n), undefined, undefined],
      );
    expect(
      run(
        240,
        corners.map(() => NaN),
        scores,
      ),
    ).not.toThrow();
    expect(
      run(
        240,
        corners,
        scores.map((v) => (v > 0 ? NaN : Infinity)),
      ),
    ).not.toThrow();
    expect(run(3, corners, scores)).toThrow(/values must be/);
  });
});

describe('padded forms', () => {
  it('name the open dimension of every result', () => {
    const graph = new Graph();
    const x = graph.addInput('x', 'float32', [4, 6]);
    const node = graph.addNode('Unique', [x], { attrs: { axis: -1 }, outputs: 4 });
    inferNode(node, { concrete: false });
    expect(isDynamic(node)).toBe(true);
    const form = (dynamicOperators.get('Unique') as NonNullable<ReturnType<typeof dynamicOperators.get>>).toPadded(node, graph);
    inferNode(form.node, { concrete: true });
    expect(form.trims.map((t) => [t.result.name, t.padded.shape, t.axis])).toEqual([
      ['unique.0:0', [4, 6], 1],
      ['unique.0:1', [6], 0],
      ['unique.0:2', [6], undefined],
      ['unique.0:3', [6], 0],
    ]);
    expect(form.trims.every((t) => t.count === form.node.outputs[4])).toBe(true);
  });
});
