/** Constant nodes are constants: there is nothing to run. */
import { dsnkError } from '../errors.js';
import { type AttrValue, Constant } from '../graph/graph.js';
import { StringConstant } from './tensors.js';

const encoder = new TextEncoder();

export function constantNode(attrs: ReadonlyMap<string, AttrValue>, where: string): Constant {
  const [entry, ...more] = attrs;
  if (entry === undefined || more.length > 0) {
    throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'Constant must have exactly one attribute', attrs.size === 0 ? 'none came' : [...attrs.keys()].join(', '));
  }
  const [name, value] = entry;
  const numbers = (kind: string): readonly number[] => {
    const list = Array.isArray(value) ? value : [value];
    if (!list.every((v) => typeof v === 'number' && (kind === 'a number' || Number.isInteger(v)))) {
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `${name} must be ${kind}`, `${typeof value} came`);
    }
    return list as readonly number[];
  };
  const strings = (): readonly Uint8Array[] => {
    const list = Array.isArray(value) ? value : [value];
    if (!list.every((v) => typeof v === 'string')) throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `${name} must be text`, `${typeof value} came`);
    return list.map((v) => encoder.encode(v as string));
  };
  const list = Array.isArray(value) ? [value.length] : [];
  switch (name) {
    case 'value':
    case 'sparse_value':
      if (value instanceof Constant) return value;
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, `${name} must be a tensor`, `${typeof value} came`);
    case 'value_float':
    case 'value_floats':
      return Constant.of('float32', list, numbers('a number'));
    case 'value_int':
    case 'value_ints':
      return Constant.of('int64', list, numbers('an integer'));
    case 'value_string':
    case 'value_strings':
      return new StringConstant(list, strings());
    default:
      throw dsnkError('ERR_DSNK_INVALID_MODEL', where, 'Constant must have a value', `attribute ${name} came`);
  }
}
