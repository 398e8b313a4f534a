export {
  CredentialError,
  CredentialInvalidError,
  CredentialUnreadableError,
} from '../credentials/errors.js';
export { type ErrorCode, type Fault, OptionError, type Phase, TlsSmtpError } from '../errors.js';
export { HandshakeFailedError, HandshakeTimeoutError } from '../net/handshake-failure.js';
export { PlaintextAfterStartTlsError } from '../net/starttls-errors.js';
export type { Delivery, DeliveryHost } from './delivery.js';
export {
  AbortError,
  ConnectFailedError,
  MessageNotReplayableError,
  MessageSourceError,
  PeerClosedError,
  ReplyMalformedError,
  ReplyTimeoutError,
  ReplyUnexpectedError,
  StartTlsNotOfferedError,
  VerificationFailedError,
} from './errors.js';
export type { MessageSource } from './message-source.js';
export type { SmtpTransportOptions, Timeouts, TransportTlsOptions } from './options.js';
export type { DeliveryAttempt, DeliveryResult, RecipientResult } from './result.js';
export { SmtpTransport } from './transport.js';
