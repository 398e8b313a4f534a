import { causeCode } from '../credentials/errors.js';
import { TlsSmtpError } from '../errors.js';
import type { Reply } from '../smtp/reply.js';
import { type DeliveryResult, harmlessReply } from './result.js';

/** Where a reply was awaited. */
export type ReplyPhase = 'greeting' | 'command' | 'starttls' | 'message' | 'session';

/** No connection to the host. */
export class ConnectFailedError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_CONNECT_FAILED' as const;
  readonly phase = 'connect' as const;
  readonly fault = 'network' as const;
  readonly temporary = true;

  constructor(host: string, port: number, cause: unknown) {
    super(`no connection to ${host} port ${port} (${causeCode(cause)})`, { cause });
  }
}

/** The server closed the connection where a reply was due. */
export class PeerClosedError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_PEER_CLOSED' as const;
  readonly fault = 'peer' as const;
  readonly temporary = true;
  readonly phase: ReplyPhase;

  constructor(phase: ReplyPhase) {
    super(`the server closed the connection (${phase})`);
    this.phase = phase;
  }
}

/** No reply in time, or a part of the message that the server does not take. */
export class ReplyTimeoutError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_TIMEOUT' as const;
  readonly fault = 'peer' as const;
  readonly temporary = true;
  readonly phase: ReplyPhase;
  readonly timeoutMs: number;

  constructor(phase: ReplyPhase, timeoutMs: number) {
    super(`nothing from the server within ${timeoutMs} ms (${phase})`);
    this.phase = phase;
    this.timeoutMs = timeoutMs;
  }
}

/** What came is no SMTP reply. */
export class ReplyMalformedError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_REPLY_MALFORMED' as const;
  readonly fault = 'peer' as const;
  readonly temporary = true;
  readonly phase: ReplyPhase;

  constructor(phase: ReplyPhase) {
    super(`the server sent something that is no SMTP reply (${phase})`);
    this.phase = phase;
  }
}

/** A reply that refuses what the delivery needs, or one that has no meaning where it came. Its text is in `reply`: the server's own words, safe to print. */
export class ReplyUnexpectedError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_REPLY_UNEXPECTED' as const;
  readonly fault = 'peer' as const;
  readonly temporary: boolean;
  readonly phase: ReplyPhase;
  readonly reply: Reply;

  constructor(phase: ReplyPhase, reply: Reply) {
    super(`the server answered ${reply.code} (${phase})`);
    this.phase = phase;
    this.reply = harmlessReply(reply);
    this.temporary = reply.code < 500;
  }
}

/** The server did not offer STARTTLS, and a message is not sent in clear. */
export class StartTlsNotOfferedError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_STARTTLS_NOT_OFFERED' as const;
  readonly phase = 'starttls' as const;
  readonly fault = 'peer' as const;
  readonly temporary = true;

  /** Something like `XXXXXXXA` stands in its place: a firewall on the way took it out. */
  readonly stripped: boolean;

  constructor(stripped: boolean) {
    super(`the server did not offer STARTTLS${stripped ? ': STARTTLS appears stripped by a firewall' : ''}`);
    this.stripped = stripped;
  }
}

/** TLS stands and the server is not proven to be who was meant: nothing was sent. */
export class VerificationFailedError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_VERIFICATION_FAILED' as const;
  readonly phase = 'handshake' as const;
  readonly fault = 'peer' as const;
  readonly temporary = true;
  /** OpenSSL's or Node's code: CERT_HAS_EXPIRED, ERR_TLS_CERT_ALTNAME_INVALID. */
  readonly reason: string;

  constructor(reason: string) {
    super(`the server's certificate is not verified (${reason})`);
    this.reason = reason;
  }
}

/** The message is a stream that was read already, and would have to be sent again. */
export class MessageNotReplayableError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_MESSAGE_NOT_REPLAYABLE' as const;
  readonly phase = 'message' as const;
  readonly fault = 'caller' as const;
  readonly temporary = true;

  constructor() {
    super('the message is a stream that was started for an earlier host; give a function that makes a new one');
  }
}

/**
 * The stream of the message failed, or gave what is neither text nor octets; `cause` is what it said. The connection was
 * cut before the final dot: nothing of the message was accepted there.
 */
export class MessageSourceError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_MESSAGE_SOURCE' as const;
  readonly phase = 'message' as const;
  readonly fault = 'caller' as const;
  readonly temporary = false;
  /** What had become of each recipient by then. */
  readonly result: DeliveryResult;

  constructor(result: DeliveryResult, cause: unknown) {
    super('the source of the message failed', { cause });
    this.result = result;
  }
}

/** The delivery was ended by its `signal`; `cause` is the signal's reason. Its `name` is AbortError, as everywhere. */
export class AbortError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_ABORTED' as const;
  readonly phase = 'session' as const;
  readonly fault = 'caller' as const;
  readonly temporary = true;
  /** What had become of each recipient by then. */
  readonly result: DeliveryResult;

  constructor(result: DeliveryResult, cause: unknown) {
    super('the delivery was aborted', { cause });
    this.result = result;
  }
}
