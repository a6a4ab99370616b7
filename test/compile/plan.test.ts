import { describe, expect, it } from 'vitest';
import type { KernelRow } from '../../lib/compile/catalogue.js';
import { Lowering } from '../../lib/compile/lowering.js';
import { planProgram } from '../../lib/compile/plan.js';
import type { Location } from '../../lib/compile/program.js';
import { Buffer, type LoweredGraph, type Ref, type Step } from '../../lib/compile/step.js';
import { WeightIndex } from '../../lib/compile/weights.js';
import { Constant, Graph } from '../../lib/graph/graph.js';
import { kernelParams } from '../../lib/kernels/params.js';
import { add, catalogue, conv, copy, pack, relu, split } from './catalogue.fixture.js';

const noParams = kernelParams('None', {});
const ref = (buffer: Buffer, offset = 0, bytes = buffer.bytes - offset): Ref => ({ buffer, offset, bytes });

/** Steps written down by hand. */
class Steps {
  readonly init: Step[] = [];
  readonly main: Step[] = [];
  readonly inputs: Ref[] = [];
  readonly outputs: Ref[] = [];
  readonly states: Ref[] = [];
  input(bytes: number): Ref {
    this.inputs.push(ref(new Buffer(bytes, 'input', { io: { kind: 'input', index: this.inputs.length } })));
    return this.inputs.at(-1) as Ref;
  }
  output(bytes: number): Ref {
    this.outputs.push(ref(new Buffer(bytes, 'output', { io: { kind: 'output', index: this.outputs.length } })));
    return this.outputs.at(-1) as Ref;
  }
  temp(bytes: number): Ref {
    return ref(new Buffer(bytes, 'temp'));
  }
  weight(source: Constant): Ref {
    return ref(new Buffer(source.byteLength, 'weight', { constant: true, key: source.key, source }));
  }
  made(bytes: number, key: string): Ref {
    return ref(new Buffer(bytes, key, { constant: true, key }));
  }
  call(kernel: KernelRow, outputs: Ref[], inputs: Ref[], list: Step[] = this.main): void {
    list.push({ kernel, outputs, inputs, params: new Uint32Array(0), node: undefined, reason: '' });
  }
  plan(weights = new WeightIndex()) {
    return planProgram(this as LoweredGraph, catalogue, weights);
  }
}

const bytes = (n: number, at = 0): Constant => {
  const store = new Uint8Array(n + at).subarray(at);
  return new Constant('uint8', [n], () => store);
};
const overlap = (a: Location, b: Location) => a.segment === b.segment && a.index === b.index && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;

describe('planProgram', () => {
  it('works in place where the input dies, and only there', () => {
    const s = new Steps();
    const [x, y] = [s.input(256), s.output(256)];
    const [a, b, c, d] = [s.temp(256), s.temp(256), s.temp(256), s.temp(256)];
    s.call(conv, [a], [x, x]);
    s.call(relu, [b], [a]); // a lives on
    s.call(relu, [c], [b]); // b dies here
    s.call(add, [d], [c, a]); // both die here
    s.call(conv, [y], [d, d]);
    const { image } = s.plan();
    const at = image.main.map((i) => i.operands[0] as Location);
    expect(overlap(at[0] as Location, at[1] as Location)).toBe(false);
    expect(at[2]).toEqual(at[1]);
    expect(at[3]).toEqual(at[2]);
    expect(image.arenaBytes).toBe(512);
  });

  it('does not work in place on the caller’s input, on constants, on parts, or on what another operand reads', () => {
    const s = new Steps();
    const x = s.input(256);
    const y = s.output(256);
    const [a, b, c, d, e] = [s.temp(256), s.temp(256), s.temp(512), s.temp(256), s.temp(256)];
    s.call(relu, [a], [x]);
    s.call(add, [b], [a, a]); // the same memory twice
    s.call(conv, [c], [b, b]);
    s.call(relu, [d], [ref(c.buffer, 256)]); // half of c
    s.call(add, [e], [d, s.weight(bytes(256))]);
    s.call(conv, [y], [e, e]);
    const { main } = s.plan().image;
    main.slice(0, 4).forEach(({ operands: [out, ...inputs] }) => {
      for (const input of inputs) expect(overlap(out as Location, input)).toBe(false);
    });
    const sum = main[4]?.operands as Location[];
    expect(sum[0]).toEqual(sum[1]);
    expect(sum[2]?.segment).toBe('weights');
  });

  it('keeps a whole buffer alive while a part of it is read', () => {
    const s = new Steps();
    const [x, y] = [s.input(64), s.output(64)];
    const [a, b, c] = [s.temp(128), s.temp(64), s.temp(64)];
    s.call(conv, [a], [x, x]);
    s.call(conv, [b], [x, x]);
    s.call(conv, [c], [b, ref(a.buffer, 64)]);
    s.call(conv, [y], [c, ref(a.buffer, 0, 64)]);
    const { image } = s.plan();
    expect(image.arenaBytes).toBe(256);
    const [made, , read] = image.main.map((i) => i.operands);
    expect(read?.[2]).toMatchObject({ offset: (made?.[0]?.offset ?? 0) + 64, bytes: 64 });
  });

  it('drops calls whose results nobody needs', () => {
    const s = new Steps();
    const [x, y] = [s.input(64), s.output(64)];
    const [a, b] = [s.temp(64), s.temp(64)];
    s.call(relu, [a], [x]);
    s.call(split, [y, b], [x]);
    const { image } = s.plan();
    expect(image.main.map((i) => i.kernel)).toEqual([split.id]);
  });

  it('shares constants between programs', () => {
    const weights = new WeightIndex();
    const source = bytes(100);
    const make = () => {
      const s = new Steps();
      const packed = s.made(128, 'pack(c)#0');
      s.call(pack, [packed], [s.weight(source)], s.init);
      const twin = s.weight(source);
      const mid = s.temp(64);
      s.call(conv, [mid], [s.input(64), packed]);
      s.call(conv, [s.output(64)], [mid, twin]);
      return s.plan(weights);
    };
    const first = make();
    expect(first.image.weightBlock).toBe(0);
    expect(first.image.weightsBytes).toBe(256);
    expect(first.image.init.map((i) => i.kernel)).toEqual([copy.id, pack.id]);
    expect(first.sources).toEqual([source]);
    weights.commit(first.added);
    const second = make();
    expect(second.image).toMatchObject({ weightBlock: 1, weightsBytes: 0, init: [] });
    expect(second.sources).toEqual([]);
    expect(second.image.main.map((i) => i.operands[2])).toEqual(first.image.main.map((i) => i.operands[2]));
  });

  it('reads what the store holds and never writes it, when a later program needs more', () => {
    const weights = new WeightIndex();
    const source = bytes(64);
    const make = (more: boolean) => {
      const s = new Steps();
      const [a, b, c] = [s.made(64, 'a'), s.made(64, 'b'), s.made(64, 'c')];
      s.call(split, [a, b], [s.weight(source)], s.init);
      s.call(pack, [c], [a], s.init);
      const mid = s.temp(64);
      s.call(conv, [mid], [s.input(64), a]);
      const last = s.temp(64);
      s.call(conv, [last], [mid, more ? b : a]);
      s.call(conv, [s.output(64)], [last, more ? c : a]);
      return s.plan(weights);
    };
    weights.commit(make(false).added);
    const { image, added } = make(true);
    expect([...added.keys()].sort()).toEqual(['b', 'c']);
    const [first, second] = image.init.map((i) => i.operands) as [Location[], Location[]];
    expect(first.map((o) => o.segment)).toEqual(['arena', 'weights', 'source']);
    expect(first[1]?.index).toBe(1);
    expect(second[0]).toMatchObject({ segment: 'weights', index: 1 });
    expect(image.main[0]?.operands[2]).toMatchObject({ segment: 'weights', index: 0 });
  });

  it('does not make again what the store holds', () => {
    const weights = new WeightIndex();
    const source = bytes(64);
    const make = (packed: boolean) => {
      const s = new Steps();
      const [a, b] = [s.made(64, 'a'), s.made(64, 'b')];
      s.call(relu, [a], [s.weight(source)], s.init);
      s.call(pack, [b], [a], s.init);
      s.call(conv, [s.output(64)], [s.input(64), packed ? b : a]);
      return s.plan(weights);
    };
    weights.commit(make(false).added);
    const { image, sources } = make(true);
    expect(sources).toEqual([]);
    expect(image.init.map((i) => i.operands.map((o) => `${o.segment}${o.index}`))).toEqual([['weights1', 'weights0']]);
  });

  it('gives equal constants one place', () => {
    const s = new Steps();
    const source = bytes(64);
    const mid = s.temp(64);
    s.call(conv, [mid], [s.input(64), s.weight(source)]);
    s.call(conv, [s.output(64)], [mid, s.weight(source)]);
    const { image } = s.plan();
    expect(image.weightsBytes).toBe(64);
    expect(image.main[0]?.operands[2]).toEqual(image.main[1]?.operands[2]);
  });

  it('stages constants that lie unaligned in the model, one call at a time', () => {
    const s = new Steps();
    const [even, odd, third] = [bytes(64), bytes(100, 3), bytes(100, 5)];
    const [p, q, temp] = [s.made(64, 'p'), s.made(128, 'q'), s.made(128, 't')];
    s.call(pack, [p], [s.weight(even)], s.init);
    s.call(pack, [temp], [s.weight(odd)], s.init);
    s.call(add, [q], [temp, s.weight(third)], s.init);
    const mid = s.temp(64);
    s.call(conv, [mid], [s.input(64), p]);
    s.call(conv, [s.output(64)], [mid, q]);
    const { image } = s.plan();
    expect(image.init.map((i) => catalogue.kernels[i.kernel]?.op)).toEqual(['pack', 'copy', 'pack', 'copy', 'add']);
    expect(image.init[0]?.operands[1]).toMatchObject({ segment: 'source', index: 0 });
    // both staged copies share one place, above the intermediate result
    expect(image.init[1]?.operands[0]).toEqual(image.init[3]?.operands[0]);
    const [made, staged] = [image.init[2]?.operands[0] as Location, image.init[1]?.operands[0] as Location];
    expect(overlap(made, staged)).toBe(false);
    expect(image.initArenaBytes).toBe(staged.offset + 128);
  });

  it('never overlaps an output with an input that it may not replace', () => {
    // a hundred random programs, every call checked against everything that is read later
    let seed = 3;
    const next = (n: number) => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % n;
    for (let round = 0; round < 100; round++) {
      const s = new Steps();
      const values = [s.input(64 * (1 + next(4)))];
      for (let i = 0; i < 20; i++) {
        const kernel = [relu, add, conv][next(3)] as KernelRow;
        const out = s.temp(64 * (1 + next(3)));
        const reads = [values[next(values.length)] as Ref, values[next(values.length)] as Ref].slice(0, kernel === relu ? 1 : 2);
        s.call(kernel, [out], reads);
        values.push(out);
      }
      const sinks = values.slice(-6);
      const y = s.output(64);
      for (const v of sinks) s.call(conv, [s.output(64)], [v, v]);
      s.call(conv, [y], [sinks[0] as Ref, sinks[1] as Ref]);
      const { main } = s.plan();
      const { image } = s.plan();
      // the value that each place holds: a read must find the value that the step names
      const holds = new Map<string, Buffer>();
      main.forEach((step, pc) => {
        const operands = image.main[pc]?.operands as Location[];
        step.inputs.forEach((r, i) => {
          const place = operands[step.outputs.length + i] as Location;
          if (place.segment !== 'arena') return;
          for (let at = place.offset; at < place.offset + place.bytes; at += 64) expect(holds.get(`${at}`)).toBe(r?.buffer);
        });
        const out = operands[0] as Location;
        if (out.segment === 'arena') for (let at = out.offset; at < out.offset + out.bytes; at += 64) holds.set(`${at}`, step.outputs[0]?.buffer as Buffer);
      });
    }
  });
});

describe('Lowering', () => {
  const graphOf = (build: (g: Graph) => void): Graph => {
    const g = new Graph('g');
    build(g);
    return g;
  };
  const type = { dtype: 'uint8', shape: [64] } as const;
  const emit = (low: Lowering, kernel: KernelRow) =>
    low.emit(
      kernel,
      noParams,
      {},
      low.node.outputs.map((_, i) => low.out(i)),
      low.node.inputs.map((_, i) => low.input(i)),
    );
  const lower = (g: Graph) =>
    new Lowering(catalogue).run(g, (low) => {
      if (low.node.op === 'Reshape') low.alias(0, low.in(0));
      else emit(low, low.select(low.node.op, 'u8'));
    });
  const typed = (g: Graph, op: string, inputs: Parameters<Graph['addNode']>[1]) => {
    const v = g.addNode(op, inputs).output();
    Object.assign(v, type);
    return v;
  };

  it('lets a producer write into the caller’s result through a view', () => {
    const g = graphOf((g) => {
      const x = g.addInput('x', 'uint8', [64]);
      g.outputs.push(typed(g, 'Reshape', [typed(g, 'relu', [x])]));
    });
    const { image } = planProgram(lower(g), catalogue, new WeightIndex());
    expect(image.main.map((i) => i.kernel)).toEqual([relu.id]);
    expect(image.main[0]?.operands[0]).toEqual({ segment: 'io', index: 0, ...image.outputs[0] });
    expect(image.arenaBytes).toBe(0);
  });

  it('copies an input, a constant and a value named twice into results', () => {
    const g = graphOf((g) => {
      const x = g.addInput('x', 'uint8', [64]);
      const y = typed(g, 'relu', [x]);
      g.outputs.push(x, g.addConstant(bytes(64)), y, y);
    });
    const { image } = planProgram(lower(g), catalogue, new WeightIndex());
    expect(image.main.map((i) => catalogue.kernels[i.kernel]?.op).sort()).toEqual(['copy', 'copy', 'copy', 'relu']);
    const made = image.main.map((i) => (i.operands[0] as Location).offset);
    expect(new Set(made).size).toBe(4);
  });

  it('moves calls on constants to the init program, once for equal ones', () => {
    const g = graphOf((g) => {
      const w = g.addConstant(bytes(64));
      const [p, q] = [typed(g, 'pack', [w]), typed(g, 'pack', [w])];
      const x = g.addInput('x', 'uint8', [64]);
      g.outputs.push(typed(g, 'conv', [typed(g, 'conv', [x, p]), q]));
    });
    const { image } = planProgram(lower(g), catalogue, new WeightIndex());
    expect(image.init.map((i) => i.kernel)).toEqual([pack.id]);
    expect(image.main[0]?.operands[2]).toEqual(image.main[1]?.operands[2]);
    expect(image.weightsBytes).toBe(64);
  });
});
