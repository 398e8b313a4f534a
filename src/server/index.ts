export * from '../credentials/error-classes.js';
export { type ErrorCode, type Fault, OptionError, type Phase, TlsSmtpError } from '../errors.js';
export { HostListSyntaxError } from '../hostlist/errors.js';
export type { HostListSource, HostMatcher, HostPredicate } from '../hostlist/index.js';
export { CipherListSyntaxError, ListSyntaxError } from '../inspect/errors.js';
export { HandshakeFailedError, HandshakeTimeoutError } from '../net/handshake-failure.js';
export { type ProxyFault, ProxyHeaderError } from '../net/proxy-protocol.js';
export { SocketUnusableError } from '../net/socket-check.js';
export * from '../net/starttls-errors.js';
export type { Peer } from '../peer.js';
export type { MailAddress } from '../smtp/path.js';
export { reject, SmtpRejection } from '../smtp/rejection.js';
export type { SaslMechanism } from '../smtp/sasl.js';
export type { AuthRequest } from './auth-request.js';
export type { SmtpSession } from './conversation.js';
export type { Handlers } from './handlers.js';
export type { Limits } from './limits.js';
export type { ListenOptions } from './listener.js';
export { type Envelope, type IncomingMessage, MessageAlreadyReadError, MessageIncompleteError } from './message.js';
export type { SmtpServerOptions } from './options.js';
export {
  ServerClosedError,
  SmtpServer,
  type SmtpServerEvents,
} from './server.js';
export type { ServerVoiceEvent } from './voice.js';
