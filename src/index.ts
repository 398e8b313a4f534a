/** The face of the library: all but the test kit. Each group can be had alone from its own subpath. */

// everywhere
export { OptionError, type ErrorCode, type Fault, type Phase, TlsSmtpError } from './errors.js';
export { type Peer, peerOf } from './peer.js';
export { formatReply, type Reply } from './smtp/reply.js';
export { reject, SmtpRejection } from './smtp/rejection.js';
export type { MailAddress } from './smtp/path.js';

// tls-smtp/inspect
export * from './inspect/index.js';

// tls-smtp/credentials
export * from './credentials/index.js';

// tls-smtp/starttls
export {
  HandshakeFailedError,
  HandshakeTimeoutError,
  HandshakesBusyError,
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

// tls-smtp/server
export * from './server/index.js';

// tls-smtp/client
export * from './client/index.js';
