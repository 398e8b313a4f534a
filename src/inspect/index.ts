export { type ErrorCode, type Fault, OptionError, type Phase, TlsSmtpError } from '../errors.js';
export { CipherList, type SuiteNames } from './cipher-list.js';
export { DistinguishedName } from './distinguished-name.js';
export { CipherListSyntaxError, ListSyntaxError } from './errors.js';
export { checkIdentity } from './identity.js';
export type { LogSelectors } from './log-fields.js';
export type { PeerCertificate } from './peer-certificate.js';
export type { ReceivedOptions, ReceivedStyle } from './received.js';
export { type HandshakeContext, type ReceivedClauseOptions, TlsInfo } from './tls-info.js';
