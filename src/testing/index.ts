export { type ErrorCode, type Fault, OptionError, type Phase, TlsSmtpError } from '../errors.js';
export { type Flaw, type IssuedCertificate, TestAuthority, type TestAuthorityOptions } from './authority.js';
export { DependencyMissingError } from './errors.js';
