/**
 * Every error that this library throws, rejects with or reports in an event.
 *
 * An error carries numbers and strings only: never a socket, never key material, never a raw byte of a peer.
 * `code` is stable between releases; the text of a message is not.
 */

/** Where in the life of a session the error arose. */
export type Phase =
  | 'configuration'
  | 'credentials'
  | 'connect'
  | 'greeting'
  | 'command'
  | 'starttls'
  | 'handshake'
  | 'message'
  | 'session';

/** Who can mend it: the program that calls us, the operator of this host, the peer, or nobody but the network. */
export type Fault = 'caller' | 'operator' | 'peer' | 'network';

/** All codes, each thrown by the class that names it. docs/reference/errors.md is the table for people. */
export type ErrorCode =
  | 'ERR_TLS_SMTP_ABORTED'
  | 'ERR_TLS_SMTP_CIPHER_LIST_SYNTAX'
  | 'ERR_TLS_SMTP_CONNECTION_LIMIT'
  | 'ERR_TLS_SMTP_CONNECT_FAILED'
  | 'ERR_TLS_SMTP_CREDENTIAL_INVALID'
  | 'ERR_TLS_SMTP_CREDENTIAL_MISSING'
  | 'ERR_TLS_SMTP_CREDENTIAL_PATH'
  | 'ERR_TLS_SMTP_CREDENTIAL_UNREADABLE'
  | 'ERR_TLS_SMTP_DEPENDENCY_MISSING'
  | 'ERR_TLS_SMTP_EXPANSION_FAILED'
  | 'ERR_TLS_SMTP_EXPANSION_TIMEOUT'
  | 'ERR_TLS_SMTP_HANDLER_FAILED'
  | 'ERR_TLS_SMTP_HANDLER_TIMEOUT'
  | 'ERR_TLS_SMTP_HANDSHAKE_FAILED'
  | 'ERR_TLS_SMTP_HANDSHAKE_TIMEOUT'
  | 'ERR_TLS_SMTP_HOST_LIST_SYNTAX'
  | 'ERR_TLS_SMTP_KEY_FILE_EXPOSED'
  | 'ERR_TLS_SMTP_KEY_MISMATCH'
  | 'ERR_TLS_SMTP_KEY_TOO_SMALL'
  | 'ERR_TLS_SMTP_MESSAGE_ALREADY_READ'
  | 'ERR_TLS_SMTP_MESSAGE_INCOMPLETE'
  | 'ERR_TLS_SMTP_MESSAGE_NOT_REPLAYABLE'
  | 'ERR_TLS_SMTP_MESSAGE_SOURCE'
  | 'ERR_TLS_SMTP_OPTION'
  | 'ERR_TLS_SMTP_PEER_CLOSED'
  | 'ERR_TLS_SMTP_PLAINTEXT_AFTER_STARTTLS'
  | 'ERR_TLS_SMTP_PROXY_HEADER'
  | 'ERR_TLS_SMTP_REPLY_MALFORMED'
  | 'ERR_TLS_SMTP_REPLY_UNEXPECTED'
  | 'ERR_TLS_SMTP_SERVER_CLOSED'
  | 'ERR_TLS_SMTP_SOCKET_UNUSABLE'
  | 'ERR_TLS_SMTP_STARTTLS_NOT_OFFERED'
  | 'ERR_TLS_SMTP_STARTTLS_OUT_OF_ORDER'
  | 'ERR_TLS_SMTP_TIMEOUT'
  | 'ERR_TLS_SMTP_VERIFICATION_FAILED';

/** The base class: `error instanceof TlsSmtpError` tells ours from all others. */
export abstract class TlsSmtpError extends Error {
  abstract readonly code: ErrorCode;
  abstract readonly phase: Phase;
  abstract readonly fault: Fault;
  /** Whether the same attempt may succeed later without anybody changing anything. */
  abstract readonly temporary: boolean;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** An option is unknown, has a value of the wrong shape, or contradicts another. Thrown at construction. */
export class OptionError extends TlsSmtpError {
  readonly code = 'ERR_TLS_SMTP_OPTION' as const;
  readonly phase = 'configuration' as const;
  readonly fault = 'caller' as const;
  readonly temporary = false;

  /** The option as the caller writes it, with its path: `tls.certificate`. */
  readonly option: string;

  constructor(option: string, problem: string) {
    super(`option ${option} ${problem}`);
    this.option = option;
  }
}

/**
 * Thrown by the application, not by this library: a callback that throws it says *as if this option were not set*
 * (Exim's forced expansion failure). Any other throw of a callback is an error.
 */
export class ForcedFailure extends Error {
  override readonly name = 'ForcedFailure';
}
