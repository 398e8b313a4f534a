export { type ErrorCode, type Fault, OptionError, type Phase, TlsSmtpError } from '../errors.js';
export {
  type CredentialOptions,
  type CredentialReport,
  CredentialStore,
  type ResolvedCredentials,
} from './credential-store.js';
export {
  CredentialError,
  CredentialInvalidError,
  CredentialMissingError,
  CredentialUnreadableError,
  KeyMismatchError,
} from './errors.js';
export type { PemSource } from './source.js';
