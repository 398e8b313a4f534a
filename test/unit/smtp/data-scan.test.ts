import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import wabt from 'wabt';
import {
  ASSEMBLED,
  BODY_END,
  LINE_START,
  MAX_SCAN_OCTETS,
  receivingMemory,
  scan,
  scanInPlace,
} from '../../../src/smtp/data-scan.js';
import { root } from '../../architecture/project.js';

const text = readFileSync(join(root, 'src', 'smtp', 'data-scan.wat'), 'utf8');

async function assembled(): Promise<string> {
  const { parseWat } = await wabt();
  const module = parseWat('data-scan.wat', text, { simd: true, bulk_memory: true });
  module.validate();
  return Buffer.from(module.toBinary({}).buffer).toString('base64');
}

describe('data-scan', () => {
  it('is data-scan.wat, assembled', async () => {
    assert.equal(ASSEMBLED, await assembled());
  });

  it('keeps a chunk as it is where no dot was stuffed, and closes a copy of it up where one was', () => {
    const plain = Buffer.from(`${'x'.repeat(90)}\r\n`);
    const kept = scan(LINE_START, plain, 0, plain.length);
    assert.deepEqual([kept.kept === plain, kept.stopped, kept.state], [true, 92, LINE_START]);
    const stuffed = Buffer.from(`${'x'.repeat(90)}\r\n..\r\n${'y'.repeat(40)}`);
    const before = Buffer.from(stuffed);
    const { kept: closed, bareNewline } = scan(LINE_START, stuffed, 0, stuffed.length);
    assert.deepEqual([closed.toString(), bareNewline], [`${'x'.repeat(90)}\r\n.\r\n${'y'.repeat(40)}`, false]);
    assert.ok(stuffed.equals(before), 'the chunk is not ours to write to');
    scanInPlace(LINE_START, stuffed, 0, stuffed.length);
    assert.ok(stuffed.equals(before), 'it is not where it could be closed up');
  });

  it('leaves a chunk as it is also where it was received: a decoder may look at it twice', () => {
    const text = `..\r\n..${'x'.repeat(90)}\r\n.\ry`;
    for (const state of [LINE_START, 4]) {
      const chunk = receivingMemory().subarray(8, 8 + receivingMemory().write(text, 8, 'latin1'));
      receivingMemory()[7] = 0x7e;
      scan(state, chunk, 0, chunk.length);
      assert.deepEqual([chunk.toString('latin1'), receivingMemory()[7]], [text, 0x7e]);
    }
  });

  it('finds a CR or LF without the other at every place of a block, and none where there is none', () => {
    for (const odd of ['\r', '\n']) {
      for (let at = 0; at < 100; at++) {
        const body = `${'x'.repeat(at)}${odd}${'x'.repeat(100 - at)}\r\n`;
        const chunk = Buffer.from(body);
        assert.equal(scan(LINE_START, chunk, 0, chunk.length).bareNewline, true, `${JSON.stringify(odd)} at ${at}`);
        const whole = Buffer.from(body.replace(odd, '\r\n'));
        assert.equal(scan(LINE_START, whole, 0, whole.length).bareNewline, false, `CRLF at ${at}`);
      }
    }
  });

  it('finds the end at every place of a block, also where it is the last of the most that it looks at', () => {
    for (const length of [0, 1, 15, 16, 17, 31, 32, 33, 1_000, MAX_SCAN_OCTETS - 5]) {
      const body = length === 0 ? '' : `${'x'.repeat(length)}\r\n`;
      const chunk = Buffer.from(`${body}.\r\n`);
      const { state, stopped, kept } = scan(LINE_START, chunk, 0, chunk.length);
      assert.deepEqual([state, stopped, kept.toString()], [BODY_END, body.length + 3, body]);
    }
  });

  it('closes up where it was received, cut anywhere, and leaves what stands behind the end as it is', () => {
    const wire = `a\r\n..b${'x'.repeat(40)}\r\n.c\r\n..\r\n.\rd${'y'.repeat(20)}\r\n...${'z'.repeat(70)}\r\n.\r\nQUIT\r\n`;
    const body = `a\r\n.b${'x'.repeat(40)}\r\nc\r\n.\r\n\rd${'y'.repeat(20)}\r\n..${'z'.repeat(70)}\r\n`;
    for (let first = 0; first <= wire.length; first++) {
      for (let second = first; second <= wire.length; second++) {
        const parts = [wire.slice(0, first), wire.slice(first, second), wire.slice(second)];
        let state = LINE_START;
        let read = '';
        let rest = '';
        for (const part of parts) {
          if (state !== BODY_END) {
            const chunk = receivingMemory().subarray(0, receivingMemory().write(part, 'latin1'));
            const found = scanInPlace(state, chunk, 0, chunk.length);
            state = found.state;
            read += found.kept.toString('latin1');
            rest += chunk.toString('latin1', found.stopped);
          } else rest += part;
        }
        assert.deepEqual([read, rest], [body, 'QUIT\r\n'], `cut at ${first} and ${second}`);
      }
    }
  });

  it('is not misled by what an earlier call left behind', () => {
    const filler = Buffer.alloc(MAX_SCAN_OCTETS, '\n.\r');
    scan(LINE_START, filler, 0, filler.length);
    const chunk = Buffer.from('a\r\n');
    const { state, kept, bareNewline } = scan(LINE_START, chunk, 0, chunk.length);
    assert.deepEqual([state, kept.toString(), bareNewline], [LINE_START, 'a\r\n', false]);
  });
});
