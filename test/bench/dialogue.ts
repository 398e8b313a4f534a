import { wireBody } from './bodies.js';
import type { Load, MessagesLoad } from './loads.js';

/** What a client sends at once, and the codes of the replies that it waits for. */
export interface Exchange {
  readonly send: Buffer;
  readonly codes: readonly number[];
}

/** What is said inside TLS: once, and then again and again. */
export interface Dialogue {
  readonly opening: readonly Exchange[];
  readonly cycle: readonly Exchange[];
}

const EHLO = exchange('EHLO client.test\r\n', 250);
const QUIT = exchange('QUIT\r\n', 221);
const ENVELOPE = ['MAIL FROM:<a@x.test>\r\n', 'RCPT TO:<b@y.test>\r\n', 'DATA\r\n'] as const;

/** Before TLS every client says the same. */
export const CLEAR: Readonly<Record<'ehlo' | 'starttls', Exchange>> = {
  ehlo: EHLO,
  starttls: exchange('STARTTLS\r\n', 220),
};

/**
 * The octets of a load are known beforehand. The client sends them from Buffers that are ready, and the raw server
 * needs no more than to count them.
 */
export function dialogueOf(load: Load): Dialogue {
  switch (load.kind) {
    case 'connections':
      return { opening: [EHLO, QUIT], cycle: [] };
    case 'messages':
      return messages(load);
    case 'banner':
    case 'idle':
      return { opening: [EHLO], cycle: [] };
  }
}

function messages({ body, pipelining }: MessagesLoad): Dialogue {
  const [mail, rcpt, data] = ENVELOPE;
  const message = Buffer.concat([wireBody(body), Buffer.from('.\r\n')]);
  const envelope = exchange(mail + rcpt + data, 250, 250, 354);
  switch (pipelining) {
    case 'none': {
      const steps = [exchange(mail, 250), exchange(rcpt, 250), exchange(data, 354)];
      return { opening: [EHLO], cycle: [...steps, { send: message, codes: [250] }] };
    }
    case 'envelope':
      return { opening: [EHLO], cycle: [envelope, { send: message, codes: [250] }] };
    case 'transactions': {
      const next = { send: Buffer.concat([message, envelope.send]), codes: [250, ...envelope.codes] };
      return { opening: [EHLO, envelope], cycle: [next] };
    }
    case 'chunk': {
      const octets = wireBody(body); // for bodies without a doubled dot: BDAT knows none
      const send = Buffer.concat([Buffer.from(`${mail}${rcpt}BDAT ${octets.length} LAST\r\n`), octets]);
      return { opening: [EHLO], cycle: [{ send, codes: [250, 250, 250] }] };
    }
  }
}

function exchange(send: string, ...codes: number[]): Exchange {
  return { send: Buffer.from(send, 'latin1'), codes };
}
