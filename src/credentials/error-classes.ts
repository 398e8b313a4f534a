/** What reading credentials throws, for every entry under which they are read. */
export {
  CredentialError,
  CredentialInvalidError,
  CredentialMissingError,
  CredentialPathError,
  CredentialUnreadableError,
  ExpansionError,
  ExpansionFailedError,
  ExpansionTimeoutError,
  KeyFileExposedError,
  KeyMismatchError,
  KeyTooSmallError,
} from './errors.js';
