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

  it('takes off white space behind the arguments (§4.1.1.1), and finds no verb behind a leading space', () => {
    assert.deepEqual(['EHLO  a b  ', ' EHLO a', ' '].map(parseCommand), [
      { verb: 'EHLO', args: 'a b' },
      { verb: '', args: 'EHLO a' },
      { verb: '', args: '' },
    ]);
  });

  it('names the worst of a line: NUL before eight-bit before control character', () => {
    assert.deepEqual(['\xe9\0\t', '\t\xe9', 'EHLO\tme', 'EHLO \x7f'].map(parseCommand), [
      'nul',
      'eight-bit',
      'control-character',
      'control-character',
    ]);
  });
});
