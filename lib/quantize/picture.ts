/** The report as a picture: what every layer lost. */
import { dsnkError, spelled } from '../errors.js';
import type { LayerReport, QuantizeReport } from './report.js';

const ROW = 18;
const NAMES = 220;
const BARS = 420;
const TOP = 58;

const escaped = (text: string) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const shortened = (text: string, most: number) => (text.length > most ? `…${text.slice(1 - most)}` : text);
const text = (x: number, y: number, content: string, attrs = '') => `<text x="${x}" y="${y}"${attrs}>${escaped(content)}</text>`;

/** Signal to noise of a layer's result, or of its weights where results were not measured; undefined where it stayed float32. */
const loudness = (l: LayerReport): number | undefined => (l.bits === 32 ? undefined : (l.outputSqnrDb ?? l.weightSqnrDb));

/** An SVG with one bar per layer: its signal to noise in dB, its bits, its size before and after. */
export function quantizePicture(report: QuantizeReport): string {
  if (!Array.isArray((report as Partial<QuantizeReport> | null)?.layers) || report.weights === undefined)
    throw dsnkError('ERR_DSNK_INVALID_ARGUMENT', 'quantizePicture', 'report must be one of quantize', `${spelled(report)} came`);
  const values = report.layers.map(loudness).filter((v): v is number => v !== undefined && Number.isFinite(v));
  const most = Math.max(10, ...values.map((v) => Math.ceil(v / 10) * 10));
  const height = TOP + report.layers.length * ROW + 16;
  const measured = report.layers.some((l) => l.outputSqnrDb !== undefined);
  const kilobytes = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`;
  const lines: string[] = [];
  const { groupSize } = report.weights;
  const weights = `${report.weights.bits} bits, ${report.weights.algorithm}${groupSize === undefined ? '' : `, groups of ${groupSize}`}`;
  lines.push(text(8, 18, `${report.method}, ${weights}: ${kilobytes(report.bytesAfter)} of ${kilobytes(report.bytesBefore)}`, ' font-weight="bold"'));
  lines.push(text(8, 36, measured ? 'signal to noise of the result of each layer, dB' : 'signal to noise of the weights of each layer, dB'));
  for (let db = 0; db <= most; db += 10) {
    const x = NAMES + (BARS * db) / most;
    lines.push(
      `<line x1="${x}" y1="${TOP - 8}" x2="${x}" y2="${height - 14}" stroke="#ddd"/>`,
      text(x, TOP - 10, String(db), ' text-anchor="middle" fill="#666"'),
    );
  }
  report.layers.forEach((l, i) => {
    const y = TOP + i * ROW;
    const value = loudness(l);
    lines.push(text(NAMES - 6, y + 12, shortened(l.name || l.op, 32), ' text-anchor="end"'));
    if (value === undefined) {
      lines.push(text(NAMES + 4, y + 12, `float32${l.reason === undefined ? '' : `: ${shortened(l.reason, 70)}`}`, ' fill="#666"'));
      return;
    }
    const length = (BARS * Math.min(Math.max(value, 0), most)) / most;
    // Below 10 dB a tenth of the energy is error.
    const colour = value < 10 ? '#c0392b' : value < 20 ? '#d98f2b' : '#3b7dd8';
    lines.push(`<rect x="${NAMES}" y="${y + 2}" width="${length.toFixed(1)}" height="${ROW - 6}" fill="${colour}"/>`);
    const figure = Number.isFinite(value) ? value.toFixed(1) : '∞';
    lines.push(text(NAMES + length + 4, y + 12, `${figure} dB, ${l.bits} bits, ${kilobytes(l.bytesBefore)} → ${kilobytes(l.bytesAfter)}`));
  });
  const width = NAMES + BARS + 260;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="#fff"/>\n${lines.join('\n')}\n</svg>\n`;
}
