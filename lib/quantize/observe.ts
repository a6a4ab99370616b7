/** The model with a histogram behind every tensor that is to be quantized; the model's own results are not computed twice. */
import { Emitter } from '../graph/emitter.js';
import { Constant, Graph, type Value } from '../graph/graph.js';
import { BINS } from './histogram.js';

export interface ObservedGraph {
  readonly graph: Graph;
  /** The input with one range per tensor. */
  readonly ranges: string;
  /** Outputs by tensor, in the order asked for: counts [bins + 1], extremes [parts, 3]. */
  readonly outputs: readonly { readonly counts: string; readonly extremes: string }[];
}

export function observedGraph(source: Graph, tensors: readonly Value[], bins = BINS): ObservedGraph {
  const { graph, map } = source.clone();
  const ranges = graph.addInput('calibration:ranges', 'float32', [tensors.length]);
  graph.outputs.length = 0;
  const axes = graph.addConstant(Constant.of('int64', [1], [0]));
  const outputs = tensors.map((tensor, index) => {
    const counted = graph.addNode('Histogram', [map.get(tensor), ranges], { domain: 'dsnk', outputs: 2, attrs: { bins, index } });
    const counts = graph.addNode('ReduceSum', [counted.output(0), axes], { attrs: { keepdims: 0 } }).output();
    const extremes = counted.output(1);
    counts.name = `calibration:counts:${index}`;
    extremes.name = `calibration:extremes:${index}`;
    graph.outputs.push(counts, extremes);
    return { counts: counts.name, extremes: extremes.name };
  });
  return { graph, ranges: ranges.name, outputs };
}

/** A graph of nodes on constants and one optional input, whose outputs a session computes: how constants are computed natively. */
export class ConstantGraph extends Emitter {
  constructor() {
    super(new Graph('constants'));
  }

  output(v: Value, name: string): void {
    // One value may be asked for under two names.
    const out = this.op('Identity', [v]);
    out.name = name;
    this.graph.outputs.push(out);
  }
}
