/** The face of the library: all but the test kit. Each group can be had alone from its own subpath. */

// tls-smtp/client
export * from './client/index.js';
// tls-smtp/credentials
export * from './credentials/index.js';
// everywhere
export { type ErrorCode, type Fault, OptionError, type Phase, TlsSmtpError } from './errors.js';
// tls-smtp/inspect
export * from './inspect/index.js';
// tls-smtp/starttls
export {
  HandshakeFailedError,
  HandshakesBusyError,
  HandshakeTimeoutError,
  PlaintextAfterStartTlsError,
  type ServerTlsOptions,
  SocketUnusableError,
  type StartTlsResult,
  StartTlsServer,
  type StartTlsServerEvents,
  type StartTlsServerOptions,
  type StartTlsSession,
  serverMachine,
} from './net/index.js';
export { type Peer, peerOf } from './peer.js';
// tls-smtp/server
export * from './server/index.js';
export type { MailAddress } from './smtp/path.js';
export { reject, SmtpRejection } from './smtp/rejection.js';
export { formatReply, type Reply } from './smtp/reply.js';
