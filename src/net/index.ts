export * as serverMachine from '../starttls/server-machine.js';
export { HandshakeFailedError, HandshakeTimeoutError } from './handshake-failure.js';
export type { ServerTlsOptions } from './server-tls-options.js';
export { SocketUnusableError } from './socket-check.js';
export { HandshakesBusyError, PlaintextAfterStartTlsError } from './starttls-errors.js';
export {
  StartTlsServer,
  type StartTlsServerEvents,
  type StartTlsServerOptions,
  type StartTlsResult,
  type StartTlsSession,
} from './starttls-server.js';
export { formatReply, type Reply } from '../smtp/reply.js';
export { reject, SmtpRejection } from '../smtp/rejection.js';
export { type Peer, peerOf } from '../peer.js';
