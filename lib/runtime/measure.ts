/** Typical kernel calls, each timed in alternation with a register-only multiply-add loop: the machine's peak at that moment. */
import type { GraphBuilder } from '../build/builder.js';
import type { Operand } from '../build/operand.js';
import type { KernelRow } from '../compile/catalogue.js';
import { elementCount } from '../graph/dim.js';
import { encodeParams } from '../kernels/params.js';
import { probeFmaFlops, probeFmaParams, probeReadParams } from '../kernels/probe.js';
import { loadKernel } from './call.js';
import { prepareKernel } from './kernels.js';
import { nativeCatalogue } from './model.js';

export interface KernelMeasurement {
  readonly name: string;
  readonly kernel: string;
  readonly bestUs: number;
  readonly medianUs: number;
  /** From the best time. */
  readonly gflops: number;
  /** The probe's best, in the same seconds. */
  readonly peakGflops: number;
}

/** One operator on one float32 input, its weights constant. */
export interface SingleCall {
  readonly name: string;
  readonly dims: readonly number[];
  readonly flops: number;
  readonly build: (b: GraphBuilder, x: Operand) => Operand;
}

/** What inputs and weights of measured calls hold. */
export const waves = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * 1.7));
const weights = (...dims: number[]) => ({ type: 'float32' as const, dims, data: waves(elementCount(dims)) });

export function product(m: number, k: number, n: number): SingleCall {
  return { name: `gemm ${m}x${k}x${n}`, dims: [m, k], flops: 2 * m * n * k, build: (b, x) => b.matmul(x, weights(k, n)) as Operand };
}

export function convolution(
  size: number,
  inC: number,
  outC: number,
  kernel: number,
  options: { stride?: number; groups?: number; relu?: boolean } = {},
): SingleCall {
  const { stride = 1, groups = 1, relu = false } = options;
  const pad = (kernel - 1) / 2;
  const out = Math.floor((size + 2 * pad - kernel) / stride) + 1;
  const what = `${groups > 1 ? 'depthwise' : 'conv'} ${kernel}x${kernel}${stride > 1 ? ` s${stride}` : ''}`;
  return {
    name: `${what} ${groups > 1 ? inC : `${inC}→${outC}`} @${size}${relu ? ' + ReLU' : ''}`,
    dims: [1, inC, size, size],
    flops: 2 * outC * (inC / groups) * kernel * kernel * out * out,
    build: (b, x) => {
      const y = b.conv2d(x, weights(outC, inC / groups, kernel, kernel), { strides: [stride, stride], padding: [pad, pad, pad, pad], groups });
      return (relu ? b.relu(y) : y) as Operand;
    },
  };
}

export const depthwise = (size: number, channels: number, kernel: number, stride = 1): SingleCall =>
  convolution(size, channels, channels, kernel, { stride, groups: channels });

const calls: readonly SingleCall[] = [
  product(512, 512, 512),
  product(1024, 1024, 1024),
  product(197, 192, 576),
  product(784, 144, 24),
  product(49, 960, 160),
  product(1, 1280, 1000),
  convolution(56, 64, 256, 1),
  convolution(56, 64, 64, 3),
  convolution(14, 256, 256, 3),
  convolution(224, 3, 32, 3, { stride: 2 }),
  depthwise(112, 96, 3, 2),
  depthwise(56, 144, 3),
];

/** Products and sums in one lane of 32 bits at each step of a probe's chain, times lanes, by ISA. */
const probeLanes: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  f32: { avx2: 8, avx512: 16, neon: 4 },
  f32bf16: { avx512bf16: 32 },
  f32f16: { neonfp16: 8 },
  u8s8: { avx2: 16, avxvnni: 32, avx512vnni: 64, neon: 16, dotprod: 16, i8mm: 32 },
};

/**
 * Multiply-add FLOP (or integer operations, of u8s8) per nanosecond of one ISA at this moment; about 0.05 ms a call. By
 * default of the best usable ISA; of element types where an ISA has several.
 */
export function fmaProbe(isa?: string, dtypes?: string): () => number {
  const suits = (k: KernelRow) => k.op === 'probe_fma' && k.usable && (isa === undefined || k.isa === isa);
  const rows = nativeCatalogue().kernels.filter(suits);
  const row = rows.find((k) => k.dtypes === dtypes) ?? rows.find((k) => k.dtypes !== 'u8s8') ?? rows[0];
  if (row === undefined) return () => Number.NaN;
  const lanes = row.isa === 'scalar' ? 1 : probeLanes[row.dtypes]?.[row.isa];
  if (lanes === undefined) throw new Error(`probeLanes must have the lanes of ${row.name}`);
  const iterations = 8000;
  const out = new Float32Array(16);
  const call = loadKernel(row, encodeParams(probeFmaParams, { iterations, tiles: 1 }), [{ bytes: out.byteLength }], []);
  return () => probeFmaFlops(iterations, 1, lanes) / call.time([out], []);
}

/** Bytes per nanosecond read from memory as near as so many bytes fit; about 0.1 ms a call. */
export function readProbe(sizeBytes: number): { readonly sizeBytes: number; run(): number; dispose(): void } {
  const row = nativeCatalogue().kernels.find((k) => k.op === 'probe_read' && k.usable) as KernelRow;
  const length = Math.min(Math.max(4096, Math.ceil(sizeBytes / 64) * 64), 32 << 20);
  const x = new Uint8Array(length);
  const out = new Float32Array(16);
  const rounds = Math.max(1, Math.round((1 << 20) / length));
  const call = loadKernel(row, encodeParams(probeReadParams, { bytes: length, rounds, tiles: 1 }), [{ bytes: out.byteLength }], [{ bytes: length }]);
  return { sizeBytes: length, run: () => (length * rounds) / call.time([out], [x]), dispose: () => call.dispose() };
}

export function measureKernels(options: { filter?: string; seconds: number }): KernelMeasurement[] {
  const probe = fmaProbe();
  const rows: KernelMeasurement[] = [];
  for (const c of calls) {
    if (options.filter !== undefined && !c.name.includes(options.filter)) continue;
    const prepared = prepareKernel(c.build, c.dims, waves(elementCount(c.dims)));
    const times: number[] = [];
    let peak = 0;
    const end = performance.now() + options.seconds * 1000;
    while (times.length < 5 || performance.now() < end) {
      times.push(prepared.run());
      peak = Math.max(peak, probe());
    }
    times.sort((a, b) => a - b);
    const best = times[0] as number;
    rows.push({
      name: c.name,
      kernel: prepared.kernels.join(' + '),
      bestUs: best / 1e3,
      medianUs: (times[times.length >> 1] as number) / 1e3,
      gflops: c.flops / best,
      peakGflops: peak,
    });
    prepared.dispose();
  }
  return rows;
}
