// Machine code as the package carries it. nvcc puts the code of one module for all GPUs into a fat binary, packed so lightly that
// all of them together would be four times too large; here the code of all modules for alike GPUs is a pack, which lib/runtime/gpu.ts
// unpacks: of one module for one of them little differs from that for another, and only one pack is ever read. An image is named
// <GPU>/<module>.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';

/** What all packs together may have. */
export const mostPackBytes = 12e6;

/** Where the packs lie in the package. */
export const packFolder = (root) => join(root, 'prebuilds', 'cuda');

/**
 * What is compiled by which CUDA: `-gencode` lines. gpu.cuh tells three kinds of GPUs before Hopper apart. What 11.8 makes for sm_89
 * is what it makes for sm_86, instruction for instruction, and GPUs of 8.9 run that of 8.6. PTX is what GPUs run that no pack knows.
 */
export const compilations = {
  11: [
    ['compute_72', 'sm_72'],
    ['compute_75', 'sm_75'],
    ['compute_80', 'sm_80', 'sm_86', 'sm_87', 'sm_90', 'compute_80'],
  ],
  13: [
    ['compute_100', 'sm_100'],
    ['compute_110', 'sm_110'],
    ['compute_120', 'sm_120'],
  ],
};

/** The same for modules of instructions that Hopper alone has; for all others it is like any GPU. */
export const hopper = ['compute_90a', 'sm_90a'];
export const isForHopper = (module) => module.endsWith('_sm90');

/** The GPUs whose code is of all other modules. */
export const wholeCodes = Object.values(compilations).flatMap((lines) => lines.flatMap(([, ...codes]) => codes));

/** The pack that has the code for a GPU. The same as in lib/runtime/gpu.ts. */
export const packOf = (code) => (/^sm_(8\d|90)$/.test(code) ? 'sm_80' : /^sm_1\d\d$/.test(code) ? 'sm_100' : code);

/** The images in an unpacked fat binary: `{ capability, ptx, bytes }`. The layout is that of fatbinary's own output. */
export function imagesOf(fatbin) {
  if (fatbin.readUInt32LE(0) !== 0xba55ed50) throw new Error('a fat binary must begin with its mark');
  const images = [];
  for (let at = fatbin.readUInt16LE(6); at < fatbin.length; ) {
    const [kind, head, size] = [fatbin.readUInt16LE(at), fatbin.readUInt32LE(at + 4), Number(fatbin.readBigUInt64LE(at + 8))];
    if (fatbin.readUInt32LE(at + 16) !== 0) throw new Error('images in a fat binary must not be packed');
    const bytes = fatbin.subarray(at + head, at + head + size);
    images.push({ capability: fatbin.readUInt32LE(at + 28), ptx: kind === 1, bytes });
    at += head + size;
  }
  return images;
}

/** A pack of `[name, bytes]`: the length of a table, the table as JSON (names, where they begin, how long), the images. */
export function packed(images) {
  // Each begins at a multiple of 16 and ends with a zero, as text does.
  const room = (size) => Math.ceil((size + 1) / 16) * 16;
  let length = 0;
  const table = images.map(([name, { length: size }]) => {
    const begin = length;
    length += room(size);
    return [name, begin, size];
  });
  const json = JSON.stringify(table);
  const head = Buffer.alloc(room(4 + json.length));
  head.writeUInt32LE(head.length - 4);
  head.fill(' ', 4);
  head.write(json, 4);
  const body = Buffer.alloc(length);
  for (const [i, [, bytes]] of images.entries()) body.set(bytes, table[i][1]);
  const whole = Buffer.concat([head, body]);
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = constants;
  return brotliCompressSync(whole, { params: { [BROTLI_PARAM_QUALITY]: 11, [BROTLI_PARAM_LGWIN]: 24, [BROTLI_PARAM_SIZE_HINT]: whole.length } });
}

/** The images of a pack by name. */
export function unpacked(pack) {
  const whole = brotliDecompressSync(pack);
  const begin = 4 + whole.readUInt32LE(0);
  const table = JSON.parse(whole.toString('utf8', 4, begin));
  return new Map(table.map(([name, at, size]) => [name, whole.subarray(begin + at, begin + at + size)]));
}

/** What the packs in a folder lack of these modules: sentences. */
export function missingFromPacks(folder, names) {
  const missing = [];
  const images = new Map(names.filter(isForHopper).length > 0 ? [[hopper[1], names.filter(isForHopper)]] : []);
  for (const code of wholeCodes)
    images.set(
      code,
      names.filter((name) => !isForHopper(name)),
    );
  for (const pack of new Set([...images.keys()].map(packOf))) {
    const file = join(folder, `${pack}.br`);
    const there = existsSync(file) ? unpacked(readFileSync(file)) : undefined;
    const wanted = [...images].flatMap(([code, modules]) => (packOf(code) === pack ? modules.map((name) => `${code}/${name}`) : []));
    const without = wanted.filter((name) => !there?.has(name));
    if (without.length > 0) missing.push(`${pack}.br: must have ${there ? without.join(', ') : 'been made'}`);
  }
  return missing;
}

/** The packs in a folder. */
export const packsIn = (folder) =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith('.br'))
        .sort()
    : [];
