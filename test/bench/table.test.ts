import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Figure, Result } from './judge.js';
import { formatTable } from './table.js';

const ESCAPE = '\u001b';

const one: Result = {
  row: 'lockstep',
  title: 'messages',
  measure: 'cpu',
  reference: figure('raw', 40.04, 1, 4),
  ours: figure('tls-smtp', 41, 0.9772, 4),
  peers: [figure('smtp-server', 80, 0.0021, 4)],
  againstItself: 0.991,
  allowance: 0.03,
  goal: { of: 'ratio', at: 'least', bound: 0.95 },
  verdict: 'met',
  maxWrites: 4,
  writesVerdict: 'missed',
};
const other: Result = {
  ...one,
  title: 'banner',
  measure: 'banner',
  ours: figure('tls-smtp', 2.5, 8, 0),
  peers: [],
  goal: { of: 'value', at: 'most', bound: 2 },
  verdict: 'not judged',
  maxWrites: null,
};

describe('the table of the bench', () => {
  it('is plain text where nobody sees colours', () => {
    const plain = `
work                 reference  tls-smtp      goal        verdict     smtp-server     A/A
messages             40.0 µs    0.977 ±0.010  >= 0.95     met         0.0021 ±0.0100  0.991
  writes per message 4.00       4.00          <= 4        missed      4.00
banner               40.04 ms   2.50 ms       <= 2.00 ms  not judged  -               0.991
`;
    assert.equal(squeezed(formatTable([one, other], false)), squeezed(plain));
  });

  it('keeps its columns: each cell begins where its heading does', () => {
    const lines = formatTable([one, other], false).trimEnd().split('\n');
    const at = lines[0]?.indexOf('goal');
    assert.deepEqual(
      lines.slice(1).map((line) => line.slice(at, (at ?? 0) + 2)),
      ['>=', '<=', '<='],
    );
  });

  it('paints headings and verdicts on a terminal, and nothing else', () => {
    const painted = formatTable([one], true);
    const paints = new RegExp(`${ESCAPE}\\[(\\d+)m([^${ESCAPE}]*)${ESCAPE}\\[0m`, 'g');
    const cells = [...painted.matchAll(paints)].map(([, code, cell]) => [code, cell?.trim()]);
    assert.deepEqual(cells.slice(0, 1), [['1', 'work']]);
    assert.deepEqual(cells.slice(7), [
      ['32', 'met'],
      ['31', 'missed'],
    ]);
    assert.equal(painted.replace(paints, '$2').replace(/ +$/gm, ''), formatTable([one], false));
  });
});

function figure(kind: Figure['kind'], value: number, ratio: number, writes: number): Figure {
  return { kind, value: { median: value, spread: 0 }, ratio: { median: ratio, spread: 0.01 }, writes };
}

function squeezed(text: string): string {
  return text.trim().replace(/ +/g, ' ');
}
