/** `auto`: which layers stay in float32 because integers are slower. */
import { describe, expect, it } from 'vitest';
import { GraphBuilder, InferenceSession, type Operand, type QuantizeOptions, quantize, type Tensor } from '../../lib/index.js';
import { findIslands, type Island, separateIslands } from '../../lib/quantize/islands.js';
import { keepFaster } from '../../lib/runtime/keep-faster.js';
import type { Costs } from '../../lib/runtime/measure-costs.js';
import { tensor } from './nets.js';

/** Two islands with a function of float32 between them: two convolutions with a sum, and two products. */
function network() {
  const b = new GraphBuilder('network');
  const x = b.input('x', { dataType: 'float32', shape: [2, 8, 6, 6] });
  const one = b.relu(b.conv2d(x, tensor(1, 8, 8, 1, 1), { label: 'one' })) as Operand;
  const two = b.add(b.relu(b.conv2d(one, tensor(2, 8, 8, 1, 1), { label: 'two' })) as Operand, one, { label: 'sum' }) as Operand;
  const three = b.conv2d(two, tensor(3, 8, 8, 1, 1), { label: 'three' }) as Operand;
  const flat = b.softplus(b.reshape(three, [2, 288]) as Operand) as Operand;
  const four = b.relu(b.matmul(flat, tensor(4, 288, 16), { label: 'four' })) as Operand;
  return b.build({ y: b.matmul(four, tensor(5, 16, 4), { label: 'five' }) as Operand });
}
const feeds = () => [1, 2].map((seed) => ({ x: tensor(10 + seed, 2, 8, 6, 6) }));

describe('islands', () => {
  it('are told apart where float32 stands between them', () => {
    const graph = network();
    const islands = separateIslands(
      graph,
      findIslands(graph, () => false),
    );
    expect(islands.map((i) => i.products.map((p) => p.node.name))).toEqual([
      ['one', 'two', 'three'],
      ['four', 'five'],
    ]);
    expect(islands[0]?.nodes).toContain('sum');
    expect(islands[0]?.nodes).toContain('x/q');
    expect(islands[1]?.nodes).not.toContain('sum');
  });
});

describe('what measurement decides', () => {
  type Attempt = { graph: never; spared: readonly string[] };
  /** `whole`, `partial` and `float`: the medians of runs; of the first measurement the times of two islands in either form. */
  const decide = async (times: { whole: number; partial: number; float: number }, a: readonly [number, number], b: readonly [number, number]) => {
    const graph = network();
    const parts = separateIslands(
      graph,
      findIslands(graph, () => false),
    ) as [Island, Island];
    const attempt = (spared: readonly string[]): Attempt => ({ graph: spared as never, spared });
    let measured = 0;
    const cost = (medianMs: number, index: 0 | 1) => ({
      medianMs,
      nodesUs: new Map([
        ['one', a[index]],
        ['four', b[index]],
      ]),
      weightBytes: 0,
      arenaBytes: 0,
    });
    const chosen = await keepFaster(
      graph,
      parts,
      attempt([]),
      async (spared) => attempt([...spared].map((p) => p.node.name)),
      async (graphs): Promise<Costs> => {
        measured++;
        return { threads: 1, runs: 5, models: [cost(times.float, 0), cost(times.whole, 1), ...(graphs.length > 2 ? [cost(times.partial, 1)] : [])] };
      },
    );
    return { spared: chosen.spared, measured };
  };
  const [first, second] = [
    ['one', 'two', 'three'],
    ['four', 'five'],
  ];
  it.each<[string, Parameters<typeof decide>, readonly string[], number]>([
    ['all in integers, which is fastest', [{ whole: 1, partial: 9, float: 2 }, [8, 4], [8, 4]], [], 1],
    ['an island in float32, which is slower in integers', [{ whole: 1, partial: 0.8, float: 2 }, [8, 4], [4, 8]], second, 2],
    ['the other', [{ whole: 1, partial: 0.8, float: 2 }, [4, 8], [8, 4]], first, 2],
    ['all in integers, where an island of floats between them costs more', [{ whole: 1, partial: 1.2, float: 2 }, [8, 4], [4, 8]], [], 2],
    ['all in integers, where the gain is noise', [{ whole: 1, partial: 0.98, float: 2 }, [8, 4], [4, 8]], [], 2],
    ['nothing in integers, where all is slower', [{ whole: 3, partial: 9, float: 2 }, [4, 8], [4, 8]], [...first, ...second], 1],
    ['nothing in integers, where what is left is slower', [{ whole: 3, partial: 2.5, float: 2 }, [4, 8], [8, 4]], [...first, ...second], 2],
  ])('keeps %s', async (_, given, spared, measured) => {
    expect(await decide(...given)).toEqual({ spared, measured });
  });
});

describe('auto', () => {
  it.each<Partial<Omit<QuantizeOptions, 'calibration'>>>([{}, { method: 'dynamic' }])(
    'gives a model that runs, whatever is faster here: %j',
    async (method) => {
      const { report, bytes } = await quantize(network(), { ...method, calibration: feeds(), auto: true, timing: true } as QuantizeOptions);
      for (const l of report.layers) expect(l.reason).toBe(l.bits === 32 ? 'faster so on this machine' : undefined);
      expect(report.layers.map((l) => l.name).sort()).toEqual(['five', 'four', 'one', 'three', 'two']);
      await using session = await InferenceSession.create(bytes);
      await using float = await InferenceSession.fromGraph(network());
      const [feed] = feeds() as [{ x: Tensor }];
      const [got, want] = [await session.run(feed), await float.run(feed)].map((r) => r['y']?.data as Float32Array);
      const energy = (of: (i: number) => number) => want?.reduce((sum, _, i) => sum + of(i) ** 2, 0) as number;
      expect(energy((i) => (want?.[i] as number) - (got?.[i] as number))).toBeLessThan(0.03 * energy((i) => want?.[i] as number));
    },
  );

  it('needs feeds', async () => {
    await expect(quantize(network(), { method: 'dynamic', auto: true })).rejects.toThrow(/calibration must be there for auto/);
    await expect(quantize(network(), { calibration: feeds(), auto: 'yes' as never })).rejects.toThrow(/auto must be true or false/);
  });
});
