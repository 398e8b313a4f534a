export { CipherList, type SuiteNames } from './cipher-list.js';
export { DistinguishedName } from './distinguished-name.js';
export { CipherListSyntaxError } from './errors.js';
export { checkIdentity } from './identity.js';
export type { PeerCertificate } from './peer-certificate.js';
export { type HandshakeContext, TlsInfo } from './tls-info.js';
