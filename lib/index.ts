/** The public names, nothing else. */
export { GraphBuilder, type OperandDescriptor, ops } from './build/builder.js';
export { type Arg, Operand } from './build/operand.js';
export type { DType } from './dtype.js';
export { DsnkError, type ErrorCode, errorCodes } from './errors.js';
export type { FinishReason, TextPiece } from './generate/answer.js';
export type { ChatMessage } from './generate/chat.js';
export { type GeneratedText, type GenerateOptions, TextGenerator, type TextGeneratorOptions } from './generate/generator.js';
export type { SamplingOptions } from './generate/sampler.js';
export { Graph } from './graph/graph.js';

import './runtime/eager.js';

export { exportModel } from './onnx/export.js';
export { type ImportedModel, importModel } from './onnx/import.js';
export type { Pattern, Score } from './prune/layers.js';
export type { PrunedLayerReport, PruneReport } from './prune/report.js';
export { quantizePicture } from './quantize/picture.js';
export type { AxisReport, LayerReport, MemoryReport, QuantizeReport, SpeedReport, TensorReport } from './quantize/report.js';
export { compareOutputs, type OutputAccuracy } from './runtime/accuracy.js';
export { type CompressedModel, compress, type ModelSource, type Stage, type StageReport, type StageResult } from './runtime/compress.js';
export * as kernels from './runtime/kernels.js';
export { type PrunedModel, prune } from './runtime/prune.js';
export type { PruneOptions, PruneProgress } from './runtime/prune-options.js';
export { type QuantizedModel, quantize } from './runtime/quantize.js';
export type {
  DynamicOptions,
  FewBitsWeightOptions,
  QuantizeOptions,
  QuantizeProgress,
  QuantizeTarget,
  StaticOptions,
  WeightOnlyOptions,
  WeightOptions,
} from './runtime/quantize-options.js';
export type { KernelCall, ProgramReport, SessionReport } from './runtime/report.js';
export { type BindStateOptions, InferenceSession, type NodeTiming, type TensorMetadata } from './runtime/session.js';
export type { RunOptions, SessionOptions } from './runtime/session-options.js';
export type { Feeds, Fetches } from './runtime/signature.js';
export type { SessionState } from './runtime/state.js';
export { type CompiledFunction, type CompileFunctionOptions, compile, type Traced, type TracedResult } from './runtime/trace.js';
export type { TuneOptions } from './runtime/tune.js';
export { Tensor, type TensorLike } from './tensor.js';
