/**
 * `dsnk.GatedConv`: a 1x1 convolution of one image whose input channels are multiplied by a gate that the network computes
 * (squeeze and excitation). passes/fold-gate.ts makes it.
 */
import type { KernelRow } from '../compile/catalogue.js';
import type { Way } from '../compile/choice.js';
import type { Lowering } from '../compile/lowering.js';
import { type Dim, elementCount, isConcrete } from '../graph/dim.js';
import { convPackParams, convParams, convScaleParams } from '../kernels/conv.js';
import { activationOf, inferConv } from './conv.js';
import type { Inference, Operator } from './operator.js';
import { threeAxes, windowOf } from './spatial.js';

/** Whether a gate per input channel is cheaper in the weights than in the image: see passes/fold-gate.ts. */
export function takesGate(x: readonly number[], w: readonly number[]): boolean {
  const pixels = elementCount(x.slice(1, -1));
  return x[0] === 1 && (w[0] as number) * 4 <= pixels && elementCount(w.slice(2)) === 1;
}

function inferGated(q: Inference) {
  const channels = q.shape(0).at(-1) as Dim;
  const gate = q.shape(4);
  if (typeof channels === 'number' && isConcrete(gate) && elementCount(gate) !== channels) {
    q.fail(`gate must hold ${channels} numbers`, `[${gate.join(',')}] came`);
  }
  return inferConv(q, true, false);
}

/** The gate is multiplied into the packed weights, before every call of the convolution. */
function lowerGated(low: Lowering): void {
  const { node } = low;
  const [x, y] = [low.dims(0), low.outDims()];
  const rank = x.length - 2;
  const [channels, outChannels] = [x.at(-1) as number, y.at(-1) as number];
  const window = windowOf(node, low.dims(1).slice(2));
  const scales = low.rows('conv_scale', 'f32');
  const way = (row: KernelRow): Way<unknown>[] => {
    const scale = scales.find((s) => s.isa === row.isa && s.kr === row.kr && s.nr === row.nr);
    if (scale === undefined) return [];
    const emit = (reason: string) => {
      const bytes = channels * Math.ceil(outChannels / row.kr) * row.kr * 4;
      const pack = { group: 1, outPerGroup: outChannels, inPerGroup: channels, taps: 1, transposed: 0, lanes: row.kr, vectors: row.nr / row.kr };
      const [packed] = low.emit(low.select('conv_pack', 'f32'), convPackParams, pack, [low.temp(bytes, 'weights')], [low.in(1)], {
        reason: `panels of ${row.nr} columns for ${row.name}`,
      });
      const [scaled] = low.emit(scale, convScaleParams, { depth: channels, columns: outChannels }, [low.temp(bytes, 'gated')], [packed, low.in(4)], {
        reason: 'the gate in the weights: fewer numbers than the image has',
      });
      const params = {
        batch: 1,
        channels,
        outChannels,
        group: 1,
        inSize: threeAxes(x.slice(1, -1), 1),
        outSize: threeAxes(y.slice(1, -1), 1),
        kernel: threeAxes(window.kernel, 1),
        strides: threeAxes(window.strides, 1),
        pads: threeAxes(node.ints('pads', []).slice(0, rank), 0),
        dilations: threeAxes(window.dilations, 1),
        ldc: low.rowElements(),
        ...activationOf(node),
      };
      low.emit(row, convParams, params, [low.out()], [low.in(0), scaled, low.input(2), low.input(3)], { reason });
    };
    return [{ name: row.name, reason: 'one tap: a matrix product over pixels, in place', emit }];
  };
  low.choose(low.rows('conv', 'f32').flatMap(way));
}

export const gatedConvOperators: readonly Operator[] = [
  // x [1, spatial…, C], w [M, C, 1…], bias?, residual? (as the output), gate [1, 1…, C]
  { name: 'GatedConv', domain: 'dsnk', writesRows: true, infer: inferGated, lower: lowerGated },
];
