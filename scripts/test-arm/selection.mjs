// Which test files say something about an ARM CPU, and which of them fit into .ci/run.

// The compiler, the passes and the pages are the same TypeScript on every machine. How the addon is found is tested where it
// is installed (test/package), programs are fuzzed under sanitizers (npm run test:native).
const elsewhere = [/^test\/(docs|passes|build|onnx|native|cli|compile|package)\//, /^test\/[\w-]+\.test\.ts$/, /^test\/runtime\/(native|load-fuzz)\.test/];

export const everything = (files) => files.filter((file) => !elsewhere.some((shape) => shape.test(file)));

const behaviour = /models\/(golden|bundled)|runtime\/(session|lifecycle|threads)/;
const vectors =
  /kernels\/(attention|cache|cache-append|conv|conv-scale|depthwise|gemm|inverted-residual|math|norm|pointwise|pool|reduce|resize|rnn|rope|softmax|stem|vision|winograd)\.test/;
const small = /models\/bundled|runtime\/threads/;
// Products in bfloat16 have no rows of ARM's own.
const kernels = /kernels\/(?!bfloat)/;
const choice = {
  arm64: { 'cortex-a53': behaviour, 'cortex-a72': small, 'cortex-a76': kernels, max: small },
  arm: { 'cortex-a7': new RegExp(`${vectors.source}|models/(golden|bundled)|runtime/(session|threads)`), 'cortex-a15': small, max: small },
};

// Rows that only this CPU has, of files that another one runs whole, and files of which all but such rows run elsewhere.
const rowsOnly = {
  arm64: [
    { cpu: 'max', shape: /kernels\/integer\.test/, row: '_i8mm' },
    { cpu: 'cortex-a53', shape: /kernels\/(gemm|conv)\.test/, row: '_neona53' },
  ],
  arm: [{ cpu: 'cortex-a7', shape: /kernels\/(byte-pool|byte-softmax|byte-sum|integer|lowbit)\.test/, row: '_neon' }],
};

// Every value of a type, searches for the worst input, large tensors, slow definitions: seconds on a machine, minutes here. They run by --full.
const long = [
  '(gemm|conv)_(f32|f16|i8)_scalar', // what all other rows are compared with
  'trilu_scalar',
  'range_scalar',
  'narrows back to the same bits',
  'widens halves by their definition',
  'encodes every value back',
  'many tiles',
  'where a search makes inputs worse',
  'where in a row a number stands',
  'wide rows',
  '30, 40, 20',
  'squeezenet1.1.onnx, case 1',
  'attention_cached_[^]*(scalar|bf16|window|bias|splits|slopes|100 queries)',
];

// The only Node for armv7 on npm is older than the command line needs.
const missing = { arm64: [], arm: ['on the command line'] };
const without = (texts) => (texts.length === 0 ? undefined : `^(?!.*(${texts.map((text) => text.replace(/[.]/g, '\\.')).join('|')}))`);

/** Which tests of a file, as a regular expression: all that this architecture can. */
export const possible = (arch) => without(missing[arch]);

/** What fits into .ci/run: { arch, cpu, file, names }. */
export function trimmed(arch, files) {
  const names = without([...missing[arch], ...long]);
  const whole = Object.entries(choice[arch]).map(([cpu, shape]) => ({ cpu, shape, names }));
  const some = rowsOnly[arch].map(({ cpu, shape, row }) => ({ cpu, shape, names: `${names}.*${row}` }));
  return [...whole, ...some].flatMap(({ cpu, shape, names }) =>
    everything(files)
      .filter((file) => shape.test(file))
      .map((file) => ({ arch, cpu, file, names })),
  );
}
