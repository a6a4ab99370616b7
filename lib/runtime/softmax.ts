/** Softmax of one row where it lies, on the calling thread. */
import { candidates, type KernelRow } from '../compile/catalogue.js';
import { encodeParams } from '../kernels/params.js';
import { softmaxKind, softmaxParams } from '../kernels/softmax.js';
import { type KernelCall, loadKernel } from './call.js';
import { nativeCatalogue } from './model.js';

/** By length: a process has few vocabularies. */
const calls = new Map<number, KernelCall>();

export function softmax(x: Float32Array): void {
  let call = calls.get(x.length);
  if (call === undefined) {
    const row = candidates(nativeCatalogue(), 'softmax', 'f32')[0] as KernelRow;
    const params = { kind: softmaxKind.value('softmax'), spare: 0, outer: 1, n: x.length, inner: 1 };
    const size = { bytes: x.byteLength };
    call = loadKernel(row, encodeParams(softmaxParams, params), [size], [size]);
    calls.set(x.length, call);
  }
  call.run([x], [x]);
}
