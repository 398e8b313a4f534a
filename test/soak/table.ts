import type { Unit, Verdict } from './row.js';
import type { Result } from './run-row.js';

const COLOURS: Readonly<Record<Verdict | 'bold', number>> = { met: 32, missed: 31, 'not judged': 33, told: 0, bold: 1 };
const WIDTHS = { what: 50, value: 14, target: 15 } as const;

/** @returns the lines of one row, each with its end; plain text unless `colours` */
export function formatResult(result: Result, colours: boolean): string {
  const paint = (text: string, colour: Verdict | 'bold'): string =>
    colours && COLOURS[colour] > 0 ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;
  const { row, title, seconds, load, figures, note, failure } = result;
  const lines = [`${paint(`${row}  ${title}`, 'bold')}  (${seconds.toFixed(0)} s, load ${load.toFixed(1)})`];
  for (const { what, value, unit, target, verdict } of figures) {
    const bound = target === null ? '' : `${target.sign} ${amount(target.value, unit)}`;
    const cells = `    ${what.padEnd(WIDTHS.what)}${amount(value, unit).padStart(WIDTHS.value)}  ${bound.padEnd(WIDTHS.target)}`;
    lines.push(verdict === 'told' ? cells.trimEnd() : cells + paint(verdict, verdict));
  }
  if (note !== null) lines.push(`    ${note}`);
  if (failure !== null) lines.push(`    ${paint(failure, 'missed')}`);
  return `${lines.join('\n')}\n`;
}

function amount(value: number, unit: Unit): string {
  if (unit === 'count') return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`;
}
