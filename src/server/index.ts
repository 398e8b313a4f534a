export type { SmtpSession } from './conversation.js';
export type { Handlers } from './handlers.js';
export type { Limits } from './limits.js';
export { type Envelope, type IncomingMessage, MessageAlreadyReadError, MessageIncompleteError } from './message.js';
export type { SmtpServerOptions } from './options.js';
export { type ListenOptions, ServerClosedError, SmtpServer, type SmtpServerEvents } from './server.js';
