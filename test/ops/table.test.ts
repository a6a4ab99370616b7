import { describe, expect, it } from 'vitest';
import { NEWEST_OPSET } from '../../lib/onnx/import.js';
import { allOperators } from '../../lib/ops/index.js';

describe('the table of operators', () => {
  it('lists each once', () => {
    const names = allOperators().map((op) => `${op.domain}.${op.name}`);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  it('has none that no model may use', () => {
    expect(allOperators().filter((op) => (op.since ?? 1) > NEWEST_OPSET)).toEqual([]);
  });
});
