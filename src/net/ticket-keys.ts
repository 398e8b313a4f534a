import { hkdfSync } from 'node:crypto';
import { OptionError } from '../errors.js';

/** As many octets as the strongest key that is made from it. */
const LEAST_OCTETS = 32;
/** What Node's `ticketKeys` takes: a name of 16 octets, and two keys. */
const KEY_OCTETS = 48;

/**
 * How long one key is in use (RFC 9325 §3.4 wants it replaced, at least weekly; whoever has it reads what was said under
 * it in TLS 1.2). Node's tickets live five minutes.
 */
export const TICKET_KEY_MS: number = 12 * 3_600_000;

/**
 * Session-ticket keys that processes have in common without a word between them: made from a secret, from what the tickets
 * are good for, and from the time. With another policy or certificate, or at another time, there is another key: a ticket
 * is then not known, and the handshake is a full one.
 */
export class TicketKeys {
  readonly #secret: Buffer;

  /** @throws {OptionError} that never shows the secret */
  constructor(secret: unknown) {
    const octets =
      typeof secret === 'string' ? Buffer.from(secret) : Buffer.isBuffer(secret) ? Buffer.from(secret) : null;
    if (octets === null || octets.length < LEAST_OCTETS) {
      throw new OptionError('tls.ticketSecret', `must be a Buffer or a string of ${LEAST_OCTETS} octets at least`);
    }
    this.#secret = octets;
  }

  /** @returns a number for each time in which the keys stay the same */
  epoch(nowMs: number): number {
    return Math.floor(nowMs / TICKET_KEY_MS);
  }

  /** @param identity - the same where sessions may be resumed, and nowhere else: the engine's `sessionIdContext` */
  keys(identity: string, epoch: number): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#secret, '', `tls-smtp ticket keys ${epoch} ${identity}`, KEY_OCTETS));
  }
}
