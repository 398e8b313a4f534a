export { DependencyMissingError } from './asn1.js';
export { type Flaw, type IssuedCertificate, TestAuthority, type TestAuthorityOptions } from './authority.js';
