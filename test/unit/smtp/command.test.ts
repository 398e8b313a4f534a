import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCommand } from '../../../src/smtp/command.js';

describe('parseCommand (RFC 5321 §4.1.1)', () => {
  it('cuts the verb at the first space, whatever its case', () => {
    assert.deepEqual(['mail FROM:<a@b> SIZE=1', 'Quit', 'STARTTLS  '].map(parseCommand), [
      { verb: 'MAIL', args: 'FROM:<a@b> SIZE=1' },
      { verb: 'QUIT', args: '' },
      { verb: 'STARTTLS', args: '' },
    ]);
  });

  it('lets nothing in but printable ASCII', () => {
    assert.deepEqual(['', 'EHLO a\0b', 'EHLO \u001b[2J', 'EHLO a\rb', 'EHLO \xe9'].map(parseCommand), [
      'empty',
      'nul',
      'control-character',
      'control-character',
      'eight-bit',
    ]);
  });
});
