// Which test files say something about an ARM CPU. Those of the compiler, the passes and the pages are the same TypeScript
// on every machine.
const elsewhere = /^test\/(house|docs|passes|build|onnx|native|cli|compile)[/.]/;

export const everything = (files) => files.filter((file) => !elsewhere.test(file));

/** What fits into .ci/run: { arch, cpu, file }. */
export function trimmed(arch, files) {
  const cpu = { arm64: 'cortex-a53', arm: 'cortex-a7' }[arch];
  return everything(files).map((file) => ({ arch, cpu, file }));
}
