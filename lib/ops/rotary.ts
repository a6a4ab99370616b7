/** RotaryEmbedding in float32. In other types expand-functions spells it out. */
import { ropeParams, ropePositions } from '../kernels/cache.js';
import type { Inference, Operator, OutputType } from './operator.js';

const floats: ReadonlySet<string> = new Set(['float32', 'float64', 'float16', 'bfloat16']);

/** What is turned must be in the tables, in the type of the input. Sizes that are not known yet are left to the next look. */
function checkTables(q: Inference): void {
  const x = q.shape(0);
  const [heads, wide] = x.length === 3 ? [q.node.int('num_heads'), x[2]] : [1, x[3]];
  if (typeof wide === 'number' && wide % heads !== 0) q.fail('the width must be a multiple of num_heads', `${wide} and ${heads} came`);
  const turned = q.node.int('rotary_embedding_dim', 0) || (typeof wide === 'number' ? wide / heads : 0);
  if (turned < 0 || turned % 2 !== 0 || (typeof wide === 'number' && turned > wide / heads))
    q.fail('an even number of elements of a head must be turned', `${turned} of ${wide} in ${heads} came`);
  const [cos, sin] = [1, 2].map((i) => q.node.input(i).shape);
  if ([1, 2].some((i) => q.dtype(i) !== q.dtype(0))) q.failDtype('tables must be of the type of the input');
  if (cos?.every((d, i) => d === sin?.[i] || typeof d === 'string' || typeof sin?.[i] === 'string') === false) q.fail('tables must be alike', q.inputTexts());
  if ([cos?.at(-1), sin?.at(-1)].some((d) => typeof d === 'number' && d < turned / 2)) q.fail(`tables must have ${turned / 2} columns`, q.inputTexts());
  const places = q.has(3) ? q.node.input(3).shape : undefined;
  if (q.has(3) && q.dtype(3) !== 'int64') q.failDtype('position_ids must be int64', q.dtype(3));
  const each = [x[0], x[x.length === 3 ? 1 : 2]];
  if (places !== undefined && (places.length !== 2 || places.some((d, i) => typeof d === 'number' && typeof each[i] === 'number' && d !== each[i])))
    q.fail('position_ids must be [batch, length]', q.inputTexts());
}

/** The type of what is turned: that of input 0. */
export function turnedType(q: Inference): OutputType {
  if (!floats.has(q.dtype(0))) q.failDtype('input must be floating');
  const rank = q.rank(0);
  if (rank !== 3 && rank !== 4) q.fail('input must be [batch, length, width] or [batch, heads, length, head width]', q.inputTexts());
  return { dtype: q.dtype(0), shape: q.shape(0) };
}

function infer(q: Inference): OutputType[] {
  const turned = turnedType(q);
  if (q.rank(0) === 3 && q.node.int('num_heads', 0) < 1) q.fail('num_heads must be given for an input of three dimensions');
  checkTables(q);
  return [turned];
}

const rotaryEmbedding: Operator = {
  name: 'RotaryEmbedding',
  domain: '',
  since: 23,
  infer,
  lower(low) {
    const dims = low.dims(0) as number[];
    const flat = dims.length === 3;
    const [batch, rows] = [dims[0] as number, dims[flat ? 1 : 2] as number];
    const heads = flat ? low.node.int('num_heads') : (dims[1] as number);
    const width = flat ? (dims[2] as number) / heads : (dims[3] as number);
    const strides = flat ? [rows * heads * width, heads * width, width] : [heads * rows * width, width, rows * width];
    const table = low.dims(1);
    const params = {
      batch,
      rows,
      heads,
      width,
      rotary: low.node.int('rotary_embedding_dim', 0) || width,
      tableRows: table.slice(0, -1).reduce((a, b) => a * b, 1),
      tableWidth: table.at(-1) as number,
      strideX: strides,
      strideY: strides,
      interleaved: low.node.int('interleaved', 0) === 0 ? 0 : 1,
      positions: ropePositions.value(low.has(3) ? 'each' : 'rows'),
    };
    low.emit(low.select('rope', 'f32'), ropeParams, params, [low.out()], [low.in(0), low.in(1), low.in(2), low.input(3)]);
  },
};

export const rotaryOperators: readonly Operator[] = [rotaryEmbedding];
