import type { Readable } from 'node:stream';
import { TlsSmtpError } from '../errors.js';
import type { LogSelectors } from '../inspect/log-fields.js';
import type { ReceivedOptions } from '../inspect/received.js';
import type { MailAddress } from '../smtp/path.js';

/** Sender and recipients of the transaction under way (RFC 5321 §2.3.1). */
export interface Envelope {
  readonly mailFrom: MailAddress;
  readonly rcptTo: readonly MailAddress[];
}

/** A message while it arrives. Read it once, in one of the four ways; what you leave unread is read and dropped. */
export interface IncomingMessage extends AsyncIterable<Buffer> {
  /** All of it. Bounded by `limits.maxMessageBytes`. */
  bytes(): Promise<Buffer>;
  /** All of it as UTF-8. */
  text(): Promise<string>;
  /** As a Node stream; made only when asked for. */
  stream(): Readable;
  readonly envelope: Envelope;
  /** What the client declared with SIZE, in octets; `null` where it declared nothing. */
  readonly size: number | null;
  /**
   * Aborted when no 250 can be said any more: the connection is lost, the session was ended (`limits.handlerTimeoutMs`), the
   * message was refused. A client that was not told 250 sends the message again, so what has been stored of it should go. Its
   * `reason` is a {@link MessageIncompleteError}. Made when it is first asked for.
   */
  readonly signal: AbortSignal;
  /**
   * A `Received:` header for this message, folded, with CRLF (RFC 5321 §4.4). It is never added by itself.
   *
   * @throws {OptionError} `ERR_TLS_SMTP_OPTION` for an unknown option or style
   */
  receivedHeader(options?: ReceivedOptions): string;
  /**
   * Exim's log line of an arrival: `<= a@x.test H=(client.test) [192.0.2.1] P=esmtps X=… CV=no S=1234`. Ask for it when the
   * message has been read: `S` counts what has come so far.
   *
   * @param selectors - for the fields of TLS, as in `TlsInfo.logFields()`
   * @throws {OptionError} `ERR_TLS_SMTP_OPTION` for a selector that is unknown
   */
  logLine(selectors?: LogSelectors): string;
}

/** The message did not come to its end, or was refused at its end: what was read of it must not be kept. */
export class MessageIncompleteError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_MESSAGE_INCOMPLETE' as const;
  readonly phase = 'message' as const;
  readonly fault = 'peer' as const;
  readonly temporary = true;
}

/** A message can be read once, like the body of a fetch. */
export class MessageAlreadyReadError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_MESSAGE_ALREADY_READ' as const;
  readonly phase = 'message' as const;
  readonly fault = 'caller' as const;
  readonly temporary = false;

  constructor() {
    super('the message is being read already; it can be read once');
  }
}
