import type { Figure, Result, Verdict } from './judge.js';
import type { Measure } from './rows.js';
import type { Summary } from './statistics.js';

const HEADINGS = ['work', 'reference', 'tls-smtp', 'goal', 'verdict', 'smtp-server', 'A/A'] as const;

type Cells = readonly [string, string, string, string, string, string, string];

const COLOURS: Readonly<Record<string, number>> = { met: 32, missed: 31, 'not judged': 33 };

/** @returns lines, each with its end; plain text unless `colours` */
export function formatTable(results: readonly Result[], colours: boolean): string {
  const rows: Cells[] = [HEADINGS, ...results.flatMap(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((cells) => (cells[column] ?? '').length)));
  return rows
    .map((cells, index) => {
      const padded = cells.map((cell, column) => {
        const text = cell.padEnd(widths[column] ?? 0);
        const code = index === 0 ? 1 : COLOURS[cell];
        return colours && code !== undefined ? `\u001b[${code}m${text}\u001b[0m` : text;
      });
      return `${padded.join('  ').trimEnd()}\n`;
    })
    .join('');
}

function cellsOf(result: Result): Cells[] {
  const { title, measure, reference, ours, peers, againstItself, goal, verdict } = result;
  const [peer] = peers;
  const cell = (figure: Figure): string => (goal.of === 'ratio' ? ratio(figure.ratio) : value(measure, figure.value));
  const sign = goal.at === 'least' ? '>=' : '<=';
  const bound = goal.of === 'ratio' ? goal.bound.toFixed(2) : value(measure, { median: goal.bound, spread: 0 });
  const main: Cells = [
    title,
    value(measure, reference.value),
    cell(ours),
    `${sign} ${bound}`,
    verdict,
    peer === undefined ? '-' : cell(peer),
    againstItself.toFixed(3),
  ];
  return result.maxWrites === null ? [main] : [main, writes(result, result.maxWrites, result.writesVerdict)];
}

function writes({ reference, ours, peers }: Result, maxWrites: number, verdict: Verdict): Cells {
  const [peer] = peers;
  return [
    '  writes per message',
    reference.writes.toFixed(2),
    ours.writes.toFixed(2),
    `<= ${maxWrites}`,
    verdict,
    peer?.writes.toFixed(2) ?? '-',
    '',
  ];
}

function ratio({ median, spread }: Summary): string {
  return median < 0.1 ? `${median.toFixed(4)} ±${spread.toFixed(4)}` : `${median.toFixed(3)} ±${spread.toFixed(3)}`;
}

function value(measure: Measure, { median }: Summary): string {
  if (measure === 'memory') return `${(median / 1_000).toFixed(1)} kB`;
  if (measure === 'banner') return `${median.toFixed(2)} ms`;
  return median < 10_000 ? `${median.toFixed(1)} µs` : `${(median / 1_000).toFixed(1)} ms`;
}
