export type { MessageSource } from './message-source.js';
export type { SmtpTransportOptions, Timeouts, TransportTlsOptions } from './options.js';
export type { DeliveryAttempt, DeliveryResult, RecipientResult } from './result.js';
export { type Delivery, type DeliveryHost, SmtpTransport } from './transport.js';
