export { type ErrorCode, type Fault, ForcedFailure, OptionError, type Phase, TlsSmtpError } from '../errors.js';
export {
  type ConnectionCredentials,
  type CredentialReport,
  CredentialStore,
  type CredentialStoreEvents,
  type CredentialVoiceEvent,
  type Prove,
} from './credential-store.js';
export * from './error-classes.js';
export { type Expandable, perSni } from './expansion.js';
export type { ClientConnectionFacts, ServerConnectionFacts } from './facts.js';
export type { CredentialOptions } from './options.js';
export type { IdentityFacts, ResolvedCredentials } from './resolved.js';
export { secureContextOf } from './secure-context.js';
export type { PemSource } from './source.js';
