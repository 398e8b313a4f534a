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

  it('reads MAIL and RCPT in UTF-8, no other verb, and no other octets (RFC 6531 §3.3)', () => {
    const wire = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
    assert.deepEqual(parseCommand(wire('mail FROM:<δ@x.test> SMTPUTF8')), {
      verb: 'MAIL',
      args: 'FROM:<δ@x.test> SMTPUTF8',
    });
    assert.deepEqual(parseCommand(wire('RCPT TO:<😀@x.test>')), { verb: 'RCPT', args: 'TO:<😀@x.test>' });
    const bad = [
      wire('EHLO ü'),
      wire('VRFY ü'),
      wire('MAILü'),
      'MAIL FROM:<\xe9@x>',
      'RCPT TO:<\xc0\xaf@x>',
      'MAIL \xed\xa0\x80',
    ];
    assert.deepEqual(
      bad.map(parseCommand),
      bad.map(() => 'eight-bit'),
    );
  });

  it('lets no C1 control in UTF-8 in, nothing that turns the reading direction or cannot be seen', () => {
    const harmful = [
      '\u0085',
      '\u009b',
      '\u202e',
      '\u2066',
      '\u200b',
      '\u2028',
      '\ufeff',
      '\u{e0041}',
      'ü\x1b',
      'ü\x7f',
      'ü\t',
    ];
    assert.deepEqual(
      harmful.map((text) => parseCommand(Buffer.from(`MAIL FROM:<${text}@x>`).toString('latin1'))),
      harmful.map(() => 'control-character'),
    );
  });
});
