import { OptionError } from '../errors.js';

/** One SMTP reply (RFC 5321 §4.2). */
export interface Reply {
  /** 200 to 599. */
  readonly code: number;
  /** Enhanced status code, `5.7.1` (RFC 3463); absent for the replies that carry none: 220 greeting, EHLO, 354. */
  readonly enhanced?: string;
  /** At least one; without code and line end. */
  readonly lines: readonly string[];
}

/** RFC 5321 §4.5.3.1.5: a reply line has at most 512 octets, code and CRLF included. */
const MAX_TEXT = 480;

/** Replies are ASCII (RFC 5321 §4.2); CR or LF from a value that was interpolated would forge a second reply. */
const FORBIDDEN = /[^\x20-\x7e]+/g;

interface WireForm {
  readonly text: string;
  readonly octets: Buffer;
}

const wireForms = new WeakMap<Reply, WireForm>();

/** A reply that is said again and again: made once, its wire form kept. */
export function fixedReply(code: number, enhanced: string | null, ...lines: readonly string[]): Reply {
  const reply: Reply = Object.freeze({ code, ...(enhanced !== null && { enhanced }), lines: Object.freeze(lines) });
  const text = format(reply);
  wireForms.set(reply, { text, octets: Buffer.from(text, 'latin1') });
  return reply;
}

/**
 * Renders a reply for the wire: every line with its code, the enhanced code on each (RFC 2034 §4), CRLFs included.
 * Whatever is not printable ASCII becomes `?`, and a line is cut at what RFC 5321 allows.
 *
 * @throws {OptionError} for what is no reply
 */
export function formatReply(reply: Reply): string {
  const known = wireForms.get(reply);
  if (known !== undefined) return known.text;
  assertReply(reply);
  return format(reply);
}

/** @throws {OptionError} for what has not the shape of a reply, whatever its code says */
export function assertReply(reply: Reply): void {
  const { code, enhanced, lines }: Partial<Reply> = reply ?? {};
  if (typeof code !== 'number') throw new OptionError('reply.code', "must be a number: { code: 550, lines: ['text'] }");
  if (enhanced !== undefined && typeof enhanced !== 'string') throw new OptionError('reply.enhanced', 'must be text');
  if (!Array.isArray(lines) || !lines.every((line) => typeof line === 'string')) {
    throw new OptionError('reply.lines', 'must be a list of strings');
  }
}

/** The same as octets; those of a fixed reply are made once and not to be written to. */
export function replyOctets(reply: Reply): Buffer {
  return wireForms.get(reply)?.octets ?? Buffer.from(format(reply), 'latin1');
}

function format(reply: Reply): string {
  const lead = reply.enhanced === undefined ? '' : `${reply.enhanced.replace(FORBIDDEN, '?')} `;
  const last = reply.lines.length - 1;
  let wire = '';
  reply.lines.forEach((line, index) => {
    wire += `${reply.code}${index === last ? ' ' : '-'}${lead}${String(line).replace(FORBIDDEN, '?').slice(0, MAX_TEXT)}\r\n`;
  });
  return wire === '' ? `${reply.code} ${lead.trimEnd()}\r\n` : wire;
}
