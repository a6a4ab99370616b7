// Which loops `npm run bench:mca` looks at, on which cores, and which shares of their ceilings must hold.

/**
 * `perCycle`: vector instructions of arithmetic on 128 bits; `products`: multiply-adds a cycle by element type, the ceilings. Floats
 * are multiplied four at a time, halves eight; bytes eight (SMLAL, on one pipe), sixteen (SDOT) or 32 (USMMLA).
 */
export const cores = {
  a53: {
    name: 'Cortex-A53 (Pi 3, Zero 2)',
    cpu: 'cortex-a53',
    perCycle: 1,
    products: { floats: 4, bytes: 8 },
    inOrder: true,
    units: {},
  },
  a72: {
    name: 'Cortex-A72 (Pi 4)',
    cpu: 'cortex-a72',
    perCycle: 1,
    products: { floats: 4, bytes: 8 },
    units: { A57UnitL: 'loads', A57UnitS: 'stores', A57UnitV: 'vector units', A57UnitW: 'vector units', A57UnitX: 'vector units' },
  },
  n1: {
    name: 'Neoverse N1 (Pi 5 A76, Orin A78AE)',
    cpu: 'neoverse-n1',
    perCycle: 2,
    products: { floats: 8, halves: 16, bytes: 32 },
    units: { N1UnitL: 'loads', N1UnitS: 'integer units', N1UnitD: 'stores', N1UnitV0: 'vector units', N1UnitV1: 'vector units' },
  },
  v3: {
    name: 'Neoverse V3AE (Thor)',
    cpu: 'neoverse-v3ae',
    perCycle: 4,
    products: { floats: 16, halves: 32, bytes: 128 },
    units: { V2UnitV0: 'vector units', V2UnitV1: 'vector units', V2UnitV2: 'vector units', V2UnitV3: 'vector units', V2UnitL01: 'loads', V2UnitL2: 'loads' },
  },
};

const gemm = 'native/kernels/gemm/gemm_neon';
const conv = 'native/kernels/conv/conv_neon';
const depthwise = 'native/kernels/depthwise/depthwise_neon';
const half = 'native/kernels/half/half_neonfp16.cc';
const integer = 'native/kernels/integer/integer_';
const out = ['a72', 'n1'];
const inside = ['a53'];
const floats = [...inside, ...out];

/**
 * The function of `symbol` in `source`, its innermost loop with most arithmetic, or with the instruction `uses`; `of`: what is multiplied,
 * floats where nothing is said; `floor`: least share by core; `through`: its branches (pixels outside of the image, no residual) are not taken.
 */
export const loops = [
  { kernel: 'gemm_f32_neon', what: 'tile 8x12', source: `${gemm}.cc`, symbol: 'gemmTile<8, 3, false>', cores: out, floor: { a72: 0.9, n1: 0.9 } },
  { kernel: 'gemm_f32_neon', what: 'tile 7x12', source: `${gemm}.cc`, symbol: 'gemmTile<7, 3, false>', cores: out, floor: { a72: 0.9, n1: 0.9 } },
  {
    kernel: 'gemm_f32_neon',
    what: 'tile 8x8, columns left over',
    source: `${gemm}.cc`,
    symbol: 'gemmTile<8, 2, false>',
    cores: out,
    floor: { a72: 0.9, n1: 0.9 },
  },
  {
    kernel: 'gemm_f32_neon',
    what: 'tile 8x4, columns left over',
    source: `${gemm}.cc`,
    symbol: 'gemmTile<8, 1, false>',
    cores: out,
    floor: { a72: 0.9, n1: 0.9 },
  },
  { kernel: 'gemm_f32_neon', what: 'tile 2x24, two rows', source: `${gemm}.cc`, symbol: 'gemmTile<2, 6, false>', cores: out, floor: { a72: 0.9, n1: 0.9 } },
  { kernel: 'gemm_f32_neon', what: 'tile 1x36, one row', source: `${gemm}.cc`, symbol: 'gemmTile<1, 9, false>', cores: out, floor: { a72: 0.85, n1: 0.85 } },
  { kernel: 'gemm_f32_neona53', what: 'tile 6x12', source: `${gemm}a53.cc`, symbol: 'gemmTile<6, 3, false>', cores: inside, floor: { a53: 0.75 } },
  { kernel: 'gemm_direct_f32_neon', what: 'three rows, b as it stands', source: `${gemm}.cc`, symbol: 'directTile<3, 8>', cores: out },
  { kernel: 'gemm_direct_f32_neon', what: 'dot products along k', source: `${gemm}.cc`, symbol: 'directDots<4>', cores: out },
  { kernel: 'conv_f32_neon', what: 'tile 8x12', source: `${conv}.cc`, symbol: 'convTile<8, 3, false>', cores: out, floor: { a72: 0.9, n1: 0.9 } },
  { kernel: 'conv_f32_neona53', what: 'tile 6x12', source: `${conv}a53.cc`, symbol: 'convTile<6, 3, false>', cores: inside, floor: { a53: 0.75 } },
  { kernel: 'conv_winograd_f32_neon', what: 'input transform, 4x4 tiles', source: `${conv}.cc`, symbol: 'inputTile<4, false>', cores: out },
  { kernel: 'conv_winograd_f32_neona53', what: 'input transform, 4x4 tiles', source: `${conv}a53.cc`, symbol: 'inputTile<4, false>', cores: inside },
  { kernel: 'conv_winograd_f32_neon', what: 'output transform, 4x4 tiles', source: `${conv}.cc`, symbol: 'conv_winograd_f32_neon(', cores: out, through: true },
  {
    kernel: 'conv_winograd_f32_neona53',
    what: 'output transform, 4x4 tiles',
    source: `${conv}a53.cc`,
    symbol: 'runWinograd<4>',
    cores: inside,
    through: true,
  },
  { kernel: 'conv_winograd2_f32_neon', what: 'input transform, 2x2 tiles', source: `${conv}.cc`, symbol: 'inputTile<2, false>', cores: out },
  { kernel: 'conv_winograd2_f32_neona53', what: 'input transform, 2x2 tiles', source: `${conv}a53.cc`, symbol: 'inputTile<2, false>', cores: inside },
  {
    kernel: 'conv_winograd2_f32_neon',
    what: 'output transform, 2x2 tiles',
    source: `${conv}.cc`,
    symbol: 'conv_winograd2_f32_neon(',
    cores: out,
    through: true,
  },
  {
    kernel: 'conv_winograd2_f32_neona53',
    what: 'output transform, 2x2 tiles',
    source: `${conv}a53.cc`,
    symbol: 'runWinograd<2>',
    cores: inside,
    through: true,
  },
  { kernel: 'depthwise_f32_neon', what: '3x3 stride 1, two rows', source: `${depthwise}.cc`, symbol: 'slide<3, 1, 2, 7, false>', cores: floats, through: true },
  { kernel: 'depthwise_f32_neon', what: '3x3 stride 2', source: `${depthwise}.cc`, symbol: 'slide<3, 2, 1, 7, false>', cores: floats },
  { kernel: 'depthwise_f32_neon', what: '5x5 stride 1, two rows', source: `${depthwise}.cc`, symbol: 'slide<5, 1, 2, 7, false>', cores: floats, through: true },
  ...[
    ['tile 8x16, eight k', 'halfTile<8, 2>'],
    ['tile 4x32, few rows', 'halfTile<4, 4>'],
    ['tile 8x8, columns left over', 'halfTile<8, 1>'],
  ].map(([what, symbol]) => ({ kernel: 'gemm_f16_neonfp16', what, source: half, symbol, of: 'halves', cores: ['n1'], floor: { n1: 0.85 } })),
  ...[
    ['tile 4x4', 'narrowTile<4, 1,', 'smlal2', { a53: 0.45, a72: 0.9 }],
    ['tile 4x4, a weight of -128', 'narrowTile<4, 1,', 'smull2', { a53: 0.35, a72: 0.9 }],
    ['tile 2x8, two rows', 'narrowTile<2, 2,', 'smlal2', { a72: 0.9 }],
    ['tile 1x16, one row', 'narrowTile<1, 4,', 'smlal2', { a72: 0.9 }],
  ].map(([what, symbol, uses, floor]) => ({
    kernel: 'gemm_i8_neon',
    what,
    source: `${integer}neon.cc`,
    symbol,
    uses,
    of: 'bytes',
    cores: ['a53', 'a72'],
    floor,
  })),
  ...[
    ['tile 8x12', 'narrowTile<8, 3,'],
    ['tile 7x12', 'narrowTile<7, 3,'],
    ['tile 8x8, columns left over', 'narrowTile<8, 2,'],
    ['tile 8x4, columns left over', 'narrowTile<8, 1,'],
    ['tile 2x36, two rows', 'narrowTile<2, 9,'],
    ['tile 1x36, one row', 'narrowTile<1, 9,'],
  ].map(([what, symbol]) => ({ kernel: 'gemm_i8_dotprod', what, source: `${integer}dotprod.cc`, symbol, of: 'bytes', cores: ['n1'], floor: { n1: 0.9 } })),
  {
    kernel: 'conv_rows_i8_dotprod',
    what: 'tile 8x12',
    source: `${integer}dotprod.cc`,
    symbol: 'stripTile<3>',
    of: 'bytes',
    cores: ['n1'],
    floor: { n1: 0.9 },
  },
  {
    kernel: 'conv_rows_i8_neon',
    what: 'tile 4x4',
    source: `${integer}neon.cc`,
    symbol: 'stripTile<1>',
    uses: 'smlal2',
    of: 'bytes',
    cores: ['a53', 'a72'],
    floor: { a53: 0.45, a72: 0.9 },
  },
  ...[
    ['3x3 stride 1, two pixels', 'depthwiseRow<3, (dsnk::neon::Taps)0>'],
    ['5x5 stride 1, two pixels', 'depthwiseRow<5, (dsnk::neon::Taps)0>'],
  ].map(([what, symbol]) => ({
    kernel: 'depthwise_i8_neon',
    what,
    source: `${integer}neon.cc`,
    symbol,
    uses: 'smlal2',
    of: 'bytes',
    cores: floats,
    through: true,
  })),
  { kernel: 'gemm_i8_i8mm', what: 'tile 8x8', source: `${integer}i8mm.cc`, symbol: 'narrowTile<8, 2,', of: 'bytes', cores: ['v3'], floor: { v3: 0.75 } },
];

/** One line for each floor that does not hold, and for each loop of the list that the report lacks. */
export function missedFloors(report) {
  return loops.flatMap(({ kernel, what, floor = {} }) => {
    const row = report.rows.find((r) => r.kernel === kernel && r.what === what);
    if (row === undefined) return [`${kernel}, ${what}: not in the report`];
    return Object.entries(floor)
      .filter(([core, least]) => !(row.cores[core]?.share >= least))
      .map(([core, least]) => `${kernel}, ${what}: ${core} must reach ${least} of its ceiling, ${row.cores[core]?.share} came`);
  });
}
