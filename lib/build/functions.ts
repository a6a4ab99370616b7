/** All builder functions. The same functions work on operands (building a graph) and on tensors (computing at once). */
export * from './elementwise.js';
export * from './neural.js';
export * from './quantize.js';
export * from './recurrent.js';
export * from './structure.js';
