import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LineBuffer, type OctetReader } from '../../../src/smtp/line-buffer.js';

describe('LineBuffer', () => {
  it('tells CRLF from a bare LF (RFC 5321 §2.3.8), and keeps each octet as one character', () => {
    const lines = new LineBuffer();
    lines.push(Buffer.from('a\xe9\r\nb\n\r\nc', 'latin1'));
    const read = [lines.next(99), lines.next(99), lines.next(99), lines.next(99)];
    assert.deepEqual(read, [{ text: 'a\xe9', end: 'crlf' }, { text: 'b', end: 'lf' }, { text: '', end: 'crlf' }, null]);
    assert.equal(lines.unread, 1);
  });

  it('counts the end of a line among its octets, before it has come too', () => {
    const atLimit = new LineBuffer();
    atLimit.push(Buffer.from('1234\r\n'));
    const over = new LineBuffer();
    over.push(Buffer.from('123456'));
    assert.deepEqual([atLimit.next(6), over.next(6)], [{ text: '1234', end: 'crlf' }, 'too-long']);
  });

  it('knows its next octet without a line end in sight', () => {
    const lines = new LineBuffer();
    assert.equal(lines.startsWith(0x16), false);
    lines.push(Buffer.from('NOOP\r\n\x16\x03'));
    assert.equal(lines.startsWith(0x16), false);
    lines.next(99);
    assert.equal(lines.startsWith(0x16), true);
  });

  it('hands out all that is unread, and keeps nothing of it', () => {
    const lines = new LineBuffer();
    lines.push(Buffer.from('STARTTLS\r\nx'));
    lines.next(99);
    assert.equal(lines.unread, 1);
    assert.equal(lines.takeRest().toString(), 'x');
    assert.equal(lines.unread, 0);
  });

  it('puts together a line that spans chunks, CR and LF apart too', () => {
    const lines = new LineBuffer();
    const read = ['EH', 'LO me\r', '', '\nQUIT\r\n'].map((part) => {
      lines.push(Buffer.from(part));
      return lines.next(99);
    });
    assert.deepEqual(
      [...read, lines.next(99), lines.unread],
      [null, null, null, { text: 'EHLO me', end: 'crlf' }, { text: 'QUIT', end: 'crlf' }, 0],
    );
  });

  it('calls a line too long whether its end has come or not, and keeps it unread', () => {
    const outcomes = ['12345\r\n', '123456', '12345\n'].map((octets) => {
      const lines = new LineBuffer();
      lines.push(Buffer.from(octets));
      return [lines.next(6), lines.unread];
    });
    assert.deepEqual(outcomes, [
      ['too-long', 7],
      ['too-long', 6],
      [{ text: '12345', end: 'lf' }, 0],
    ]);
  });

  it('takes a CR inside a line for an octet like any other: the parser of commands refuses it', () => {
    const lines = new LineBuffer();
    lines.push(Buffer.from('a\rb\r\r\n'));
    assert.deepEqual(lines.next(99), { text: 'a\rb\r', end: 'crlf' });
  });

  it('makes its own what it is lent and has not parsed', () => {
    const memory = Buffer.from('EHLO me\r\nQUI');
    const lines = new LineBuffer();
    lines.lend(memory);
    lines.next(99);
    lines.keep();
    lines.lend(memory.fill('T\r\nxxxxxxxxx'));
    assert.deepEqual([lines.next(99), lines.unread], [{ text: 'QUIT', end: 'crlf' }, 9]);
    lines.keep();
    memory.fill('y');
    assert.equal(lines.takeRest().toString(), 'xxxxxxxxx');
  });

  it('hands out a rest that nobody writes to', () => {
    const memory = Buffer.from('STARTTLS\r\nrest');
    const lines = new LineBuffer();
    lines.lend(memory);
    lines.next(99);
    const rest = lines.takeRest();
    memory.fill('y');
    assert.equal(rest.toString(), 'rest');
  });

  it('has a reader read on, and goes on in lines behind its end', () => {
    const lines = new LineBuffer();
    lines.push(Buffer.from('DATA\r\nbody'));
    lines.next(99);
    const read: string[] = [];
    const reader = (end: number): OctetReader => ({
      read: (octets) => {
        read.push(octets.toString());
        return end;
      },
    });
    const ended = [lines.readBy(reader(-1)), lines.unread];
    lines.push(Buffer.from('.\r\nNOOP\r\n'));
    assert.deepEqual(
      [...ended, lines.readBy(reader(3)), lines.next(99), read],
      [false, 0, true, { text: 'NOOP', end: 'crlf' }, ['body', '.\r\nNOOP\r\n']],
    );
  });

  it('knows the word that a line begins with, in any case, wherever the chunk was cut', () => {
    const lines = new LineBuffer();
    lines.push(Buffer.from('NOOP\r\naut'));
    lines.next(100);
    assert.equal(lines.startsWithWord('AUTH '), false);
    lines.push(Buffer.from('h PLAIN'));
    assert.deepEqual([lines.startsWithWord('AUTH '), lines.unread], [true, 10]);
  });
});
