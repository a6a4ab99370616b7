/**
 * Parameter structs of kernels, declared once here in TypeScript: the types of the lowering code are inferred from
 * them and the C++ structs are generated from them (`npm run generate:params`; the build compares).
 */

/** One field: a 32-bit scalar, a 64-bit integer (at an even word), or a fixed array of scalars. */
export type FieldType = 'i32' | 'u32' | 'f32' | 'i64' | `i32[${number}]` | `i64[${number}]` | `f32[${number}]`;

export type FieldValue<T extends FieldType> = T extends `${string}[${number}]` ? readonly number[] : number;

export type Fields = Readonly<Record<string, FieldType>>;

export type ParamsOf<S> = S extends ParamSchema<infer F> ? { readonly [K in keyof F]: FieldValue<F[K]> } : never;

export interface ParamSchema<F extends Fields = Fields> {
  /** Name of the C++ struct. */
  readonly name: string;
  readonly fields: F;
  readonly layout: readonly FieldLayout[];
  /** Words of the struct, without a tail. */
  readonly words: number;
  /** Whether a variable number of words may follow. */
  readonly tail: boolean;
}

export interface FieldLayout {
  readonly name: string;
  readonly scalar: 'i32' | 'u32' | 'f32' | 'i64';
  readonly count: number;
  /** Word offset in the struct. */
  readonly word: number;
  readonly array: boolean;
}

/** Splits a field type into its scalar and count. */
function layoutOf(fields: Fields): FieldLayout[] {
  const layout: FieldLayout[] = [];
  let word = 0;
  for (const [name, type] of Object.entries(fields)) {
    const match = /^(i32|u32|f32|i64)(?:\[(\d+)\])?$/.exec(type);
    if (!match) throw new Error(`parameter ${name}: unknown type ${type}`);
    const scalar = match[1] as FieldLayout['scalar'];
    const array = match[2] !== undefined;
    const count = array ? Number(match[2]) : 1;
    if (scalar === 'i64' && word % 2 !== 0) throw new Error(`parameter ${name}: a 64-bit field must start at an even word; reorder or pad`);
    layout.push({ name, scalar, count, word, array });
    word += count * (scalar === 'i64' ? 2 : 1);
  }
  return layout;
}

/** Declares the parameters of a kernel operation. */
export function kernelParams<const F extends Fields>(name: string, fields: F, options: { tail?: boolean } = {}): ParamSchema<F> {
  const layout = layoutOf(fields);
  let words = 0;
  let wide = false;
  for (const f of layout) {
    words = f.word + f.count * (f.scalar === 'i64' ? 2 : 1);
    wide ||= f.scalar === 'i64';
  }
  if (wide && words % 2 !== 0) throw new Error(`${name}: a struct with 64-bit fields must have an even number of words; pad it`);
  return { name, fields, layout, words, tail: options.tail ?? false };
}

/** Encodes parameter values as the words of the struct, then the tail. */
export function encodeParams(schema: ParamSchema, values: Readonly<Record<string, number | readonly number[]>>, tail: readonly number[] = []): Uint32Array {
  const words = new Uint32Array(schema.words + tail.length);
  const view = new DataView(words.buffer);
  for (const f of schema.layout) {
    const value = values[f.name];
    if (value === undefined) throw new Error(`${schema.name}: parameter ${f.name} is missing`);
    const list = typeof value === 'number' ? [value] : value;
    if (list.length > f.count) throw new Error(`${schema.name}.${f.name}: holds ${f.count}, ${list.length} came`);
    for (let i = 0; i < list.length; i++) {
      const v = list[i] as number;
      const at = (f.word + i * (f.scalar === 'i64' ? 2 : 1)) * 4;
      if (f.scalar === 'f32') {
        view.setFloat32(at, v, true);
        continue;
      }
      const low = f.scalar === 'u32' ? 0 : f.scalar === 'i32' ? -(2 ** 31) : -(2 ** 53);
      const high = f.scalar === 'u32' ? 2 ** 32 : f.scalar === 'i32' ? 2 ** 31 : 2 ** 53;
      if (!Number.isInteger(v) || v < low || v >= high) throw new RangeError(`${schema.name}.${f.name}: ${v} must be an ${f.scalar}`);
      if (f.scalar === 'i64') view.setBigInt64(at, BigInt(v), true);
      else view.setUint32(at, v >>> 0, true);
    }
  }
  if (tail.length > 0 && !schema.tail) throw new Error(`${schema.name}: takes no tail`);
  for (let i = 0; i < tail.length; i++) words[schema.words + i] = (tail[i] as number) >>> 0;
  return words;
}

/** The bits of a float, for a tail word. */
export function floatBits(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value, true);
  return view.getUint32(0, true);
}

/** A list of names that C++ knows as an enum: `kind` fields, activations, modes. */
export interface KernelEnum<M extends string = string> {
  readonly enumName: string;
  readonly members: readonly M[];
  value(member: M): number;
}

export function kernelEnum<const M extends string>(enumName: string, members: readonly M[]): KernelEnum<M> {
  return {
    enumName,
    members,
    value(member) {
      const i = members.indexOf(member);
      if (i < 0) throw new Error(`${enumName} has no ${member}`);
      return i;
    },
  };
}

/** The C++ header of a family's enums and structs. */
export function generateHeader(source: string, schemas: readonly ParamSchema[], enums: readonly KernelEnum[] = []): string {
  const out = [
    `// Generated from ${source} by scripts/generate-params.mjs; do not edit.`,
    '#pragma once',
    '#include <cstddef>',
    '#include <cstdint>',
    '',
    'namespace dsnk {',
  ];
  for (const e of enums)
    out.push(
      '',
      `enum class ${e.enumName} : int32_t {`,
      ...e.members.map((m, i) => `  ${m} = ${i},`),
      '};',
      `constexpr int32_t k${e.enumName}Count = ${e.members.length};`,
    );
  const cpp = { i32: 'int32_t', u32: 'uint32_t', f32: 'float', i64: 'int64_t' } as const;
  for (const schema of schemas) {
    out.push('', `struct ${schema.name} {`);
    const { layout } = schema;
    for (const f of layout) out.push(`  ${cpp[f.scalar]} ${f.name}${f.array ? `[${f.count}]` : ''};`);
    out.push('};', `static_assert(sizeof(${schema.name}) == ${schema.words * 4});`);
    for (const f of layout) out.push(`static_assert(offsetof(${schema.name}, ${f.name}) == ${f.word * 4});`);
  }
  out.push('', '}  // namespace dsnk', '');
  return out.join('\n');
}
