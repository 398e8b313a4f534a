import type { BodyDecoder } from '../smtp/body-decoder.js';
import type { OctetReader } from '../smtp/line-buffer.js';
import type { Reply } from '../smtp/reply.js';

/** What a session's octets go to while they are no commands: the body behind a 354, or a chunk. */
export interface Intake extends OctetReader {
  /** Whether the client should be held back. */
  readonly full: boolean;
  /** What is refused is read to its end all the same, but not for ever. */
  readonly endless: boolean;
  /** The end was seen. @returns the reply to it; `null` where the handler has yet to answer */
  end(): Reply | null;
}

/** The message of a transaction, from DATA or the first BDAT to the end of the transaction. */
export interface OpenMessage extends Intake {
  /** Octets of it so far. */
  readonly octets: number;
  /** Goes on with the next chunk. */
  next(decoder: BodyDecoder): Intake;
  /** It has no reply and will have none: nothing of it may be kept. @param what - has ended */
  abort(what: string): void;
}
