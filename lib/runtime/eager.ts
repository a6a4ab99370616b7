/** Builder functions on concrete tensors: each call is a one-node model, compiled once per operator and kept. */
import type { Tensor } from 'onnxruntime-common';
import { type Emission, registerEager } from '../build/operand.js';
import { Constant, Graph } from '../graph/graph.js';
import { type HostTensor, readTensor, type TensorLike, toTensor } from '../tensor.js';
import { Model } from './model.js';
import { native } from './native.js';

const MAX_MODELS = 256;
const models = new Map<string, Model>();

function eager(emission: Emission & { readonly inputs: readonly (TensorLike | undefined)[] }): Tensor[] {
  const inputs = emission.inputs.map((t, i) => (t === undefined ? undefined : readTensor(t, `${emission.op} input ${i}`)));
  const present = inputs.filter((t): t is HostTensor => t !== undefined);
  const key = JSON.stringify([emission.domain, emission.op, emission.outputs, emission.attrs, inputs.map((t) => t?.dtype ?? null)], (_, v) =>
    v instanceof Constant ? v.key : v,
  );
  let model = models.get(key);
  if (model === undefined) {
    const graph = new Graph(emission.op);
    const values = inputs.map((t, i) => t && graph.addInput(`input${i}`, t.dtype, undefined));
    const node = graph.addNode(emission.op, values, {
      ...(emission.domain !== undefined && { domain: emission.domain }),
      attrs: { ...emission.attrs },
      outputs: emission.outputs ?? 1,
      name: emission.label ?? emission.op,
    });
    graph.outputs.push(...node.outputs);
    model = new Model(graph, { threads: native().cpu().threads, maxPrograms: 16, keepSources: true, onLoaded: () => {} });
  }
  // most recently used last
  models.delete(key);
  models.set(key, model);
  for (const [oldest, m] of models) {
    if (models.size <= MAX_MODELS) break;
    models.delete(oldest);
    m.dispose();
  }
  return model.runSync(present).map(toTensor);
}

registerEager(eager);
