import { type Graph, GraphBuilder, InferenceSession, kernels, type Operand, ops, Tensor } from 'ds-native-kernels';
import { runs } from './required.cjs';

const b = new GraphBuilder('types');
const x: Operand = b.input('x', { dataType: 'float32', shape: ['n', 4] });
const graph: Graph = b.build({ y: b.relu(x) });
await using session: InferenceSession = await InferenceSession.fromGraph(graph);
const feeds: Record<string, Tensor> = { x: new Tensor('float32', new Float32Array(4), [1, 4]) };
const results: Record<string, Tensor> = await session.run(feeds);
// The class that a CommonJS module requires is the same to the compiler, too.
const same: Promise<Record<string, Tensor>> = runs(session, feeds);
export const all = [results['y']?.data, same, kernels.gemm, ops.add] as const;
// Names that code for onnxruntime uses.
export const options: InferenceSession.SessionOptions & InferenceSession.RunOptions = { intraOpNumThreads: 1 };
export const mapped: InferenceSession.OnnxValueMapType & InferenceSession.ReturnType = await session.run(feeds satisfies InferenceSession.FeedsType);
// @ts-expect-error: models are paths or bytes
await InferenceSession.create(42);
