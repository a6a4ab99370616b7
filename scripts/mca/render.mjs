// The report of `npm run bench:mca` as a page.
import { cores } from './loops.mjs';

const cells = (result) => {
  if (result === undefined) return ['', '', ''];
  const cycles = result.cyclesPerMac === undefined ? `${result.cycles} a round` : result.cyclesPerMac.toFixed(result.cyclesPerMac < 0.1 ? 4 : 3);
  const raw = result.llvmCycles === undefined ? '' : ` (llvm-mca ${Math.round((100 * result.share * result.cycles) / result.llvmCycles)} %)`;
  return [cycles, `${Math.round(100 * result.share)} %${raw}`, result.bound];
};

export function render({ command, llvm, rows }) {
  const lines = [
    '# ARM inner loops on paper',
    '',
    `Written by \`${command}\` (LLVM ${llvm}): no board ran this. Cycles are those of the innermost loop with every load in L1. How they are counted, what the`,
    'second figure of the Cortex-A53 is, and what to beware of: [bench/README.md](../README.md#arm-loops-on-paper).',
  ];
  for (const [key, core] of Object.entries(cores)) {
    lines.push(
      '',
      `## ${core.name}`,
      '',
      `Ceiling in multiply-adds a cycle: ${Object.entries(core.products)
        .map(([of, count]) => `${count} of ${of}`)
        .join(', ')} (vector instructions of arithmetic: ${core.perCycle}).`,
      '',
      '| kernel | loop | instructions | multiply-adds | other arithmetic | loads | cycles a MAC | share of the ceiling | bound |',
      '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |',
    );
    for (const row of rows.filter((r) => r.cores[key] !== undefined)) {
      const counts = [row.instructions, row.multiplyAdds, row.arithmetic - row.multiplyAdds, row.loads];
      lines.push(`| ${[row.kernel, row.what, ...counts, ...cells(row.cores[key])].join(' | ')} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}
