import type { Reply } from './reply.js';

/** RFC 5321 §4.5.3.1.5 says 512; servers in the field say more, and a line buffer bounds the rest. */
export const MAX_REPLY_LINE_OCTETS = 2_048;

/** Enough for any EHLO reply; a server that goes on for ever is not believed. */
const MAX_REPLY_LINES = 128;

const REPLY_LINE = /^([2-5]\d\d)(?:([ -])(.*))?$/s;
const ENHANCED = /^([245]\.\d{1,3}\.\d{1,3})(?: |$)/;

/**
 * Puts reply lines together (RFC 5321 §4.2.1). Decisions go by the code; the text is only kept.
 * A parser is for one reply after the other; after `'malformed'` nothing more can be believed.
 */
export class ReplyParser {
  #code = 0;
  #lines: string[] = [];

  /**
   * @param line - without its end
   * @returns the reply when this line completes it; `null` where more lines follow; `'malformed'` where it is no reply
   */
  line(line: string): Reply | 'malformed' | null {
    const match = REPLY_LINE.exec(line);
    const code = Number(match?.[1]);
    if (match === null || (this.#lines.length > 0 && code !== this.#code)) return 'malformed';
    if (this.#lines.length === MAX_REPLY_LINES) return 'malformed';
    this.#code = code;
    this.#lines.push(match[3] ?? '');
    if (match[2] === '-') return null;
    const reply = withEnhancedCode(code, this.#lines);
    this.#lines = [];
    return reply;
  }
}

/** An enhanced code stands on each line (RFC 2034 §4) and is taken off there, where it fits the reply's class. */
function withEnhancedCode(code: number, lines: readonly string[]): Reply {
  const enhanced = ENHANCED.exec(lines[0] ?? '')?.[1];
  if (enhanced === undefined || enhanced[0] !== String(code)[0]) return { code, lines };
  const lead = `${enhanced} `;
  return {
    code,
    enhanced,
    lines: lines.map((line) => (line === enhanced ? '' : line.startsWith(lead) ? line.slice(lead.length) : line)),
  };
}
