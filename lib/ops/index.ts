/** The table of operators. Adding one: write it in its family's file and add the family's list here. */
import type { Node } from '../graph/graph.js';
import { attentionOperators } from './attention.js';
import { cacheOperators } from './cache.js';
import { channelNormOperators } from './channel-norm.js';
import { concatOperators } from './concat.js';
import { controlOperators } from './control.js';
import { convOperators } from './conv.js';
import { dynamicFamily } from './dynamic.js';
import { einsumOperators } from './einsum.js';
import { elementwiseOperators } from './elementwise.js';
import { fillOperators } from './fill.js';
import { fitOperators } from './fit.js';
import { functionOperators } from './functions.js';
import { gatedConvOperators } from './gated-conv.js';
import { gatherOperators } from './gather.js';
import { integerOperators } from './integer.js';
import { invertedResidualOperators } from './inverted-residual.js';
import { lowBitOperators } from './lowbit.js';
import { matmulOperators } from './matmul.js';
import { normOperators } from './norm.js';
import type { Operator } from './operator.js';
import { padOperators } from './pad.js';
import { poolOperators } from './pool.js';
import { quantizeOperators } from './quantize.js';
import { quantizedFunctions } from './quantized-functions.js';
import { reduceOperators } from './reduce.js';
import { resizeOperators } from './resize.js';
import { rnnOperators } from './rnn.js';
import { rotaryOperators } from './rotary.js';
import { scanOperators } from './scan.js';
import { scatterOperators } from './scatter.js';
import { selectOperators } from './select.js';
import { shapeOperators } from './shape.js';
import { sliceOperators } from './slice.js';
import { softmaxOperators } from './softmax.js';
import { spectralOperators } from './spectral.js';
import { statisticsOperators } from './statistics.js';
import { transformerFunctions } from './transformer-functions.js';
import { transposeOperators } from './transpose.js';
import { visionOperators } from './vision.js';

// biome-ignore format: one family a line
const families: readonly (readonly Operator[])[] = [
  // one line each
  attentionOperators,
  cacheOperators,
  channelNormOperators,
  concatOperators,
  controlOperators,
  convOperators,
  gatedConvOperators,
  invertedResidualOperators,
  integerOperators,
  dynamicFamily,
  einsumOperators,
  elementwiseOperators,
  fillOperators,
  fitOperators,
  functionOperators,
  gatherOperators,
  lowBitOperators,
  matmulOperators,
  normOperators,
  padOperators,
  poolOperators,
  quantizeOperators,
  quantizedFunctions,
  reduceOperators,
  resizeOperators,
  rnnOperators,
  rotaryOperators,
  scanOperators,
  scatterOperators,
  selectOperators,
  shapeOperators,
  sliceOperators,
  softmaxOperators,
  spectralOperators,
  statisticsOperators,
  transformerFunctions,
  transposeOperators,
  visionOperators,
];

const operators = families.flat();
const table = new Map<string, Operator>(operators.map((op) => [`${op.domain}:${op.name}`, op]));

export function findOperator(domain: string, name: string): Operator | undefined {
  return table.get(`${domain}:${name}`);
}

export function operatorOf(node: Node): Operator | undefined {
  return findOperator(node.domain, node.op);
}

export function allOperators(): readonly Operator[] {
  return operators;
}
