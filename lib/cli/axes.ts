/** Figures of two models side by side. */
import type { AxisReport, SpeedReport } from '../quantize/report.js';
import { bytesText, columns, threadsText } from './output.js';

export const decibels = (v: number | undefined) => (v === undefined ? '' : Number.isFinite(v) ? v.toFixed(1) : '∞');

export const microseconds = (v: number | undefined) => (v === undefined ? '' : v.toFixed(1));

/** Accuracy, speed and memory, before and after. */
export function printAxes({ axes, speed }: { readonly axes: readonly AxisReport[]; readonly speed?: SpeedReport }, before: string, after: string): void {
  const figure = ({ unit }: AxisReport, v: number | undefined) => {
    if (v === undefined) return '';
    if (unit === 'bytes') return bytesText(v);
    return unit === 'dB' ? `${decibels(v)} dB` : unit === 'ms' ? `${v.toFixed(3)} ms` : String(v);
  };
  const change = ({ axis, before, after }: AxisReport) => {
    if (before === undefined || before === 0) return '';
    return axis === 'speed'
      ? `${(before / after).toFixed(2)}×`
      : axis === 'memory'
        ? `${((100 * after) / before).toFixed(1)}%`
        : (after - before).toPrecision(2);
  };
  const rows = axes.map((a) => [a.axis, a.what, figure(a, a.before), figure(a, a.after), change(a)]);
  console.log(columns([['', '', before, after, ''], ...rows]));
  if (speed !== undefined) console.log(`speed: medians of ${speed.runs} runs of each model in alternation, ${threadsText(speed.threads)}`);
}
