export * from '../credentials/error-classes.js';
export { type ErrorCode, type Fault, OptionError, type Phase, TlsSmtpError } from '../errors.js';
export { HostListSyntaxError } from '../hostlist/errors.js';
export { CipherListSyntaxError, ListSyntaxError } from '../inspect/errors.js';
export { type Peer, peerOf } from '../peer.js';
export { reject, SmtpRejection } from '../smtp/rejection.js';
export { formatReply, type Reply } from '../smtp/reply.js';
export * as serverMachine from '../starttls/server-machine.js';
export { HandshakeFailedError, HandshakeTimeoutError } from './handshake-failure.js';
export type { ServerTlsOptions } from './server-tls-options.js';
export { SocketUnusableError } from './socket-check.js';
export type { ClearAgain, StartTlsResult, StartTlsSession } from './starttls-contract.js';
export * from './starttls-errors.js';
export {
  StartTlsServer,
  type StartTlsServerEvents,
  type StartTlsServerOptions,
  type StartTlsVoiceEvent,
} from './starttls-server.js';
