export * from '../credentials/error-classes.js';
export { type ErrorCode, type Fault, OptionError, type Phase, TlsSmtpError } from '../errors.js';
export { CipherListSyntaxError, ListSyntaxError } from '../inspect/errors.js';
export { HandshakeFailedError, HandshakeTimeoutError } from '../net/handshake-failure.js';
export { SocketUnusableError } from '../net/socket-check.js';
export { PlaintextAfterStartTlsError } from '../net/starttls-errors.js';
export type { Delivery, DeliveryHost } from './delivery.js';
export type { ClientVoiceEvent } from './dialogue.js';
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
